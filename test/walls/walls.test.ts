/**
 * Every wall catches what it is there for. Each file under `seeds/` breaks one rule, and says in its first line which wall has to say what
 * about it. All are laid over a copy of the sources, and each wall runs once over the copy.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runWall, WALLS } from '../../tools/check.ts';

interface Seed {
  readonly path: string;
  readonly wall: string;
  /** Stands in the wall's output, beside the path of the seed where the seed is a file. */
  readonly says: string;
}

const SEEDS = 'test/walls/seeds';
const COPIED = ['src', 'tools', 'tsconfig', 'tsconfig.json', 'biome.json', '.dependency-cruiser.mjs', 'package.json', 'vitest.config.ts', 'native', 'docs'];

const seeds: readonly Seed[] = readdirSync(SEEDS, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => {
    const path = `${entry.parentPath}/${entry.name}`.slice(SEEDS.length + 1);
    const [, wall = '', says = ''] = /^\/\/ breaks (\w+): (.+)$/m.exec(readFileSync(`${SEEDS}/${path}`, 'utf8')) ?? [];
    return { path, wall, says };
  });

const root = mkdtempSync(`${tmpdir()}/cellos-walls-`);
const outputs = new Map<string, { ok: boolean; output: string }>();

function edit(path: string, change: (text: string) => string): void {
  writeFileSync(`${root}/${path}`, change(readFileSync(`${root}/${path}`, 'utf8')));
}

/** Violations that are not one small file each. Projects that refer to each other wrongly stop the compiler, so it has run before. */
function spoil(): void {
  edit('src/base/errors.ts', (text) => text.replace("  'usage.invalid':", "  'seed.code': row(EXIT.failure, 500, 'never', 'A seeded code'),\n  'usage.invalid':"));
  edit('tsconfig/core.json', (text) => text.replace('"references": [', '"references": [{ "path": "./ports.json" }, '));
  edit('tsconfig/wire.json', (text) => text.replace('"types": [], ', ''));
  mkdirSync(`${root}/src/extras`);
  writeFileSync(`${root}/src/cli/seed-long-file.ts`, 'export {};\n'.repeat(401));
  writeFileSync(`${root}/src/cli/seed-long-function.ts`, `export function long(list: number[]): void {\n${'  list.push(1);\n'.repeat(70)}}\n`);
  writeFileSync(`${root}/native/seed.c`, `static int long_one(void) {\n${'  f();\n'.repeat(70)}}\n`);
  edit('tools/walls/allowance.json', (text) => JSON.stringify({ ...JSON.parse(text), sizes: { 'src/cli/main.ts': 500 } }));
  writeFileSync(`${root}/docs/errors.md`, '`usage.invalid`\n');
  writeFileSync(`${root}/docs/events.md`, 'no event\n');
}

const EDITS: readonly Seed[] = [
  { path: '', wall: 'tidy', says: 'the error code seed.code is in no test' },
  { path: '', wall: 'tidy', says: 'docs/errors.md does not have seed.code' },
  { path: '', wall: 'tidy', says: 'docs/events.md does not have dev.cellos.events.cell.evidence.v1.sealed' },
  { path: '', wall: 'tidy', says: 'src/extras belongs to no layer' },
  { path: '', wall: 'tidy', says: 'tsconfig/core.json refers to ports, which core may not import' },
  { path: '', wall: 'tidy', says: 'tsconfig/wire.json of a pure layer has to say "types": []' },
  { path: 'src/cli/seed-long-file.ts', wall: 'tidy', says: 'has 401 lines, more than 400' },
  { path: 'src/cli/seed-long-function.ts#long', wall: 'tidy', says: 'has 72 lines, more than 70' },
  { path: 'native/seed.c#long_one', wall: 'tidy', says: 'has 72 lines, more than 70' },
  { path: 'src/cli/main.ts', wall: 'tidy', says: 'needs no allowance any more' },
];

beforeAll(async () => {
  for (const path of COPIED) cpSync(path, `${root}/${path}`, { recursive: true });
  symlinkSync(resolve('node_modules'), `${root}/node_modules`);
  cpSync(SEEDS, root, { recursive: true });
  for (const wall of WALLS) {
    if (wall.name === 'tidy') spoil();
    outputs.set(wall.name, await runWall(wall, root));
  }
}, 120_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Lines that name the file; of a cycle, which is printed over several lines, those around too. */
function linesAbout(output: string, path: string, around: number): string {
  const lines = output.split('\n');
  return lines.flatMap((line, at) => (line.includes(path) ? lines.slice(Math.max(0, at - around), at + around + 1) : [])).join('\n');
}

describe('seeded violations', () => {
  it('there is at least one for each wall', () => {
    for (const wall of WALLS) expect(seeds.some((seed) => seed.wall === wall.name), wall.name).toBe(true);
    expect(seeds.filter((seed) => seed.says === '')).toEqual([]);
  });

  it('the allowance only shrinks: what is not needed goes, nothing comes', async () => {
    const read = () => JSON.parse(readFileSync(`${root}/tools/walls/allowance.json`, 'utf8')) as { sizes: Record<string, number>; untestedErrors: string[] };
    const before = read();
    const result = await runWall({ name: 'tidy', args: ['tools/tidy.ts', '--shrink'] }, root);
    const after = read();
    expect(result.output).not.toContain('needs no allowance any more');
    expect(Object.keys(before.sizes)).toContain('src/cli/main.ts');
    expect(after).toEqual({ ...before, sizes: Object.fromEntries(Object.entries(before.sizes).filter(([name]) => name !== 'src/cli/main.ts')) });
    expect(after.untestedErrors).not.toContain('seed.code');
  });

  for (const { path, wall, says } of [...seeds, ...EDITS]) {
    it(`${wall} catches ${path || 'an edit'}: ${says}`, () => {
      const result = outputs.get(wall);
      expect(result?.ok).toBe(false);
      expect(linesAbout(result?.output ?? '', path, says === 'no-circular' ? 2 : 0)).toContain(says);
    });
  }
});
