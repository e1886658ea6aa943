/**
 * House rules no other tool knows: `tools/tidy.ts [--shrink] [ROOT]` prints each finding and exits 1 when there is one.
 * `--shrink` takes out of tools/walls/allowance.json what is not needed any more; nothing is ever put in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkAmbient } from './walls/ambient.ts';
import { checkContracts, checkLeftovers, checkTables, type KnownGaps } from './walls/coverage.ts';
import { checkLayout } from './walls/layout.ts';
import { checkSizes, oversized } from './walls/sizes.ts';
import { readSourceTree } from './walls/source-tree.ts';

interface Allowance extends KnownGaps {
  /** Lines of what is too long today, by `path` or `path#function`. */
  readonly sizes: Readonly<Record<string, number>>;
}

const { values, positionals } = parseArgs({ options: { shrink: { type: 'boolean', default: false } }, allowPositionals: true });
const root = resolve(positionals[0] ?? '.');
const allowancePath = `${root}/tools/walls/allowance.json`;
const tree = readSourceTree(root);

async function findingsWith(allowance: Allowance): Promise<string[]> {
  return [
    ...checkSizes(tree, allowance.sizes),
    ...checkAmbient(tree),
    ...checkLayout(tree),
    ...(await checkTables(tree, allowance)),
    ...checkContracts(tree, allowance),
    ...checkLeftovers(tree),
  ];
}

async function shrunk(allowance: Allowance): Promise<Allowance> {
  const sizes = oversized(tree);
  const gaps = await findingsWith({ sizes: {}, untestedErrors: [], contracts: [] });
  const still = (name: string): boolean => gaps.some((finding) => finding.includes(`${name} `));
  return {
    sizes: Object.fromEntries(Object.entries(allowance.sizes).flatMap(([name, lines]) => (sizes.has(name) ? [[name, Math.min(lines, sizes.get(name) ?? lines)]] : []))),
    untestedErrors: allowance.untestedErrors.filter(still),
    contracts: allowance.contracts.filter(still),
  };
}

let allowance = JSON.parse(readFileSync(allowancePath, 'utf8')) as Allowance;
if (values.shrink) {
  allowance = await shrunk(allowance);
  writeFileSync(allowancePath, `${JSON.stringify(allowance, undefined, 2)}\n`);
}
const findings = await findingsWith(allowance);
for (const finding of findings) console.log(finding);
process.exitCode = findings.length > 0 ? 1 : 0;
