/** Adapter of vectors/events/evidence_lint. */
import assert from 'node:assert/strict';
import { isCellError } from '../../src/base/errors.ts';
import { isJsonArray, type JsonValue } from '../../src/base/json.ts';
import { type ControlRule, lintControls, PathTree } from '../../src/core/evidence/control-lint.ts';
import { textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

/** Where the reference's own two files stand. */
const CATALOGUE = 'contracts/controls/cellos-800-53-rev5-mapping.json';
const SCHEMA = 'contracts/schemas/control-mapping-v1.schema.json';

const TEXTS: readonly (readonly [RegExp, ControlRule])[] = [
  [/: schema violation: /, 'schema'],
  [/: codeSeams path does not resolve: /, 'code-seam'],
  [/: provingTests path does not resolve: /, 'proving-test'],
  [/: status=implemented requires non-empty provingEventTypes$/, 'no-event-types'],
  [/: status=implemented requires non-empty provingTests$/, 'no-tests'],
  [/ requires degradedBindingNote$/, 'no-degraded-note'],
];

function expectedLine(line: string): string {
  const rule = TEXTS.find(([pattern]) => pattern.test(line))?.[1];
  assert.ok(rule !== undefined, `no rule of ours is known for: ${line}`);
  return `${line.split(': ')[0]}: ${rule}`;
}

const given = (value: JsonValue | undefined): JsonValue | undefined => (value === null ? undefined : value);

const evidenceLint: VectorAdapter = ({ input, expect }) => {
  const files = isJsonArray(input['files']) ? input['files'].map(String) : [];
  const lint = () => lintControls({ catalogue: given(input['catalog']), schema: given(input['schema']), tree: new PathTree([...files, CATALOGUE, SCHEMA]) });
  if (expect['error'] === undefined) {
    const { entries, findings } = lint();
    assert.deepEqual(findings, []);
    return assert.deepEqual(entries.map(({ controlId }) => controlId), expect['ok']);
  }
  const error = textMember(expect, 'error');
  if (error.startsWith('catalog lint failed with ')) {
    const [, ...lines] = error.split('\n  - ');
    return assert.deepEqual(lint().findings.map(({ entry, rule }) => `${entry}: ${rule}`), lines.map(expectedLine));
  }
  try {
    const { findings } = lint();
    assert.ok(error === 'reject' && findings.length > 0, 'accepted');
  } catch (thrown) {
    if (!isCellError(thrown, 'document.invalid')) throw thrown;
    const { reason } = thrown.facts;
    const expected = error.startsWith('io error reading ') ? 'catalogue-missing' : error.startsWith('schema error: ') ? 'schema' : undefined;
    if (error !== 'reject') assert.equal(reason, expected, thrown.message);
  }
};

export const lintAdapters: Readonly<Record<string, VectorAdapter>> = { 'events/evidence_lint': evidenceLint };
