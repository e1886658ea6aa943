import { expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { parseSpec } from '../spec/parse.ts';
import { admit } from './admit.ts';

function rulesFor(spec: object): readonly string[] {
  const text = JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'a', authority: {}, lifetime: { ttlSeconds: 1 }, ...spec } });
  const verdict = admit({ document: parseSpec(utf8(text), { mode: 'compatible' }), nowMs: 0 });
  return verdict.kind === 'admitted' ? [] : verdict.violations.map(({ rule }) => rule);
}

it.each<[readonly string[], object]>([
  [[], { run: { argv: ['x'] } }],
  [['run.required'], {}],
  [['lifetime.positive'], { run: { argv: ['x'] }, lifetime: { ttlSeconds: 0 } }],
  [['limits.grace'], { run: { argv: ['x'], limits: { gracefulShutdownSeconds: 0 } } }],
  [['limits.grace'], { run: { argv: ['x'], limits: { gracefulShutdownSeconds: 121 } } }],
  [['run.working-directory'], { run: { argv: ['x'], workingDirectory: '/a\0' } }],
  [['secrets.reserved-name'], { run: { argv: ['x'], secretDelivery: 'env' }, authority: { secretRefs: ['OK', 'LD_AUDIT'] } }],
  [[], { run: { argv: ['x'], secretDelivery: 'runtimeBroker' }, authority: { secretRefs: ['LD_AUDIT'] } }],
  [['run.required', 'lifetime.positive'], { lifetime: { ttlSeconds: 0 } }],
])('admit() answers %j: every violation of a document that parses [A2]', (rules, spec) => {
  expect(rulesFor(spec)).toEqual(rules);
});
