import { describe, expect, it } from 'vitest';
import { utf8 } from '../base/bytes.ts';
import { jsonObject } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import { readYaml } from '../adapters/document/yaml-reader.ts';
import { RunReporter } from '../core/projection/report/run-report.ts';
import type { SuggestedField } from '../core/projection/suggest/suggest-spec.ts';
import type { ExecutionCellDocument, ExecutionCellSpec } from '../core/spec/document.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';
import { parseSpec } from '../core/spec/parse.ts';
import { documentJson, reasonLines, suggestionYaml } from './render-suggest.ts';

const report = new RunReporter(1).report({ runId: '01m8', state: 'sealed', where: '/b', files: {} });
const SPEC: ExecutionCellSpec = {
  id: 'job',
  correlation: { labels: { 'a: b': '# no', yes: 'null' }, tenantId: 't' },
  authority: { filesystem: parseJson(utf8('{"keep":null,"list":[null,1.0,1e+20],"deep":{"x":null}}')), secretRefs: ['TOKEN'], network: jsonObject({}) },
  lifetime: { ttlSeconds: 18_446_744_073_709_551_615n },
  run: { argv: ['sh', '-c', 'echo "a" > b\n# not a comment', '- x', '\u202e'], secretDelivery: 'env' },
};
const FIELDS: SuggestedField[] = [
  { path: 'spec.authority.secretRefs[1]', decision: 'narrowed', why: 'SPARE removed' },
  { path: 'spec.authority.egressRules', decision: 'narrowed', why: 'all removed' },
  { path: 'spec.lifetime.ttlSeconds', decision: 'left', why: 'because' },
  { path: 'spec.run.limits.memoryMaxBytes', decision: 'left', why: 'not observed\nspec: {}' },
];
const documentOf = (spec: ExecutionCellSpec): ExecutionCellDocument => ({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec });
const page = { report, suggestion: { document: documentOf(SPEC), fields: FIELDS }, options: [{ option: '--ro', value: "/it's here", why: 'left' }] };

describe('suggestionYaml()', () => {
  const lines = suggestionYaml(page);

  it('is the very document, for cellos run, in YAML and in JSON', () => {
    const hash = canonicalSpecHash(SPEC);
    expect(parseSpec(utf8(lines.join('\n')), { format: 'yaml', yaml: readYaml }).specHash).toBe(hash);
    expect(canonicalSpecHash(parseSpec(utf8(JSON.stringify(documentJson(documentOf({ ...SPEC, lifetime: { ttlSeconds: 5 }, authority: { secretRefs: ['TOKEN'] } })))), { format: 'json' }).document.spec)).toBe(canonicalSpecHash({ ...SPEC, lifetime: { ttlSeconds: 5 }, authority: { secretRefs: ['TOKEN'] } }));
  });

  it('has each reason above its member, or above what it was taken from', () => {
    const above = (member: string): string | undefined => lines[lines.findIndex((line) => line.trim().startsWith(member)) - 1]?.trim();
    expect(above('secretRefs:')).toBe('# [1] narrowed: SPARE removed');
    expect(above('authority:')).toBe('# egressRules narrowed: all removed');
    expect(above('ttlSeconds:')).toBe('# left: because');
    expect(above('run:')).toBe('# limits.memoryMaxBytes left: not observed\\nspec: {}');
    expect(lines.slice(0, 4)).toEqual(['# What run 01m8 would have been fine with: 2 members narrowed, nothing widened. One run is one run: look at it', '# before you use it.', "# cellos run --ro '/it'\\''s here' suggested.yaml", '# --ro: left']);
  });

  it('tells the same reasons beside JSON', () => {
    expect(reasonLines(page, 200)).toEqual(['spec.authority.secretRefs[1] narrowed: SPARE removed', 'spec.authority.egressRules narrowed: all removed', 'spec.lifetime.ttlSeconds left: because', 'spec.run.limits.memoryMaxBytes left: not observed\\nspec: {}', "cellos run --ro '/it'\\''s here' suggested.yaml", '  --ro: left']);
  });
});
