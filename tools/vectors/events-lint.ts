/** Adapter of vectors/events/evidence_lint: the reference's linter reads files; here they are what the case says is there. */
import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { compactText } from '../../src/base/canonical-json.ts';
import { isJsonArray, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { type LintFinding, type LintRule, type LintSources, lintControls } from '../../src/core/evidence/control-lint.ts';
import { optionalText, refuses } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const plain = (value: JsonValue): unknown => JSON.parse(compactText(value));

/** Paths as a file system resolves them. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function sourcesOf(input: JsonObject): LintSources {
  const validate = new Ajv2020({ allErrors: true, strict: false }).compile(plain(input['schema'] ?? {}) as object);
  const files = ((input['files'] ?? []) as string[]).flatMap((file) => file.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/')));
  return {
    schemaFindings: (entry) => (validate(plain(entry)) ? [] : (validate.errors ?? []).map((error) => ({ message: error.message ?? '', pointer: error.instancePath }))),
    exists: (path) => normal(path) === '' || files.includes(normal(path)),
  };
}

/** The reference's lines, once, and our rule. */
const RULES: readonly (readonly [RegExp, LintRule])[] = [
  [/: schema violation: /, 'schema'],
  [/: codeSeams path does not resolve/, 'code-seam'],
  [/: provingTests path does not resolve/, 'proving-test'],
  [/requires non-empty provingEventTypes/, 'no-event-types'],
  [/requires non-empty provingTests/, 'no-tests'],
  [/requires degradedBindingNote/, 'no-degraded-note'],
];

/** `ENTRY RULE`, and for the schema the place. */
function expectedLine(line: string): string {
  const rule = RULES.find(([pattern]) => pattern.test(line))?.[1] ?? assert.fail(`no rule is known for: ${line}`);
  return `${line.slice(0, line.indexOf(':'))} ${rule}${rule === 'schema' ? ` ${line.slice(line.lastIndexOf('@ ') + 2)}` : ''}`;
}

const ourLine = ({ entry, rule, message }: LintFinding): string => `${entry} ${rule}${rule === 'schema' ? ` ${message.split(' ')[0]}` : ''}`;

export const lintAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/evidence_lint': ({ input, expect }) => {
    const catalogue = input['catalog'] ?? null;
    const error = optionalText(expect['error']);
    if (error === undefined) {
      assert.deepEqual(lintControls(catalogue, sourcesOf(input)), []);
      assert.ok(isJsonArray(catalogue));
      assert.deepEqual(catalogue.map((entry) => (entry as JsonObject)['controlId']), expect['ok']);
    } else if (error.startsWith('catalog lint failed')) {
      const lines = error.split('\n').slice(1).map((line) => expectedLine(line.replace(/^ {2}- /, '')));
      assert.deepEqual(lintControls(catalogue, sourcesOf(input)).map(ourLine), lines);
    } else if (error.startsWith('schema error')) {
      assert.throws(() => sourcesOf(input));
    } else refuses(() => lintControls(catalogue, sourcesOf(input)), ['document.invalid']); // no file, or no list
  },
};
