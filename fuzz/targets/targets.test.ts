/** Each target on its seeds and on what a few random changes make of them; the long runs are the fuzzer's. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isCellError } from '../../src/base/errors.ts';
import fuzzCheckpoint, { seeds as checkpoints } from './checkpoint.ts';
import fuzzDsse, { seeds as envelopesOfOthers } from './dsse.ts';
import fuzzEnvelope, { seeds as envelopes } from './envelope.ts';
import fuzzEvent from './event.ts';
import fuzzKeyset, { seeds as keysets } from './keyset.ts';
import fuzzLogPolicy, { seeds as logPolicies } from './log-policy.ts';
import fuzzPolicy, { seeds as policies } from './policy.ts';
import fuzzTiles, { seeds as tiles } from './tiles.ts';

const event = '{"specversion":"1.0","id":"1","source":"s","type":"dev.cellos.events.cell.command.v1.completed","data":{"cellId":"c","exitCode":1e5,"argv":["a"]},"cexsessionid":"S"}';

const bytesOf = (seed: string | Uint8Array): Uint8Array<ArrayBuffer> => (typeof seed === 'string' ? new TextEncoder().encode(seed) : Uint8Array.from(seed));

it.each([
  ['event', fuzzEvent, [event]],
  ['envelope', fuzzEnvelope, [...envelopes, event]],
  ['keyset', fuzzKeyset, keysets],
  ['policy', fuzzPolicy, policies],
  ['checkpoint', fuzzCheckpoint, checkpoints],
  ['log-policy', fuzzLogPolicy, logPolicies],
  ['dsse', fuzzDsse, envelopesOfOthers],
  ['tiles', fuzzTiles, tiles],
] as const)('%s: throws nothing but CellErrors', (_name, target, seeds) => {
  const run = (bytes: Uint8Array): void => {
    try {
      target(bytes);
    } catch (error) {
      expect(isCellError(error) && error.code !== 'internal.bug', String(error)).toBe(true);
    }
  };
  for (const seed of seeds) run(bytesOf(seed));
  fc.assert(
    fc.property(fc.constantFrom<string | Uint8Array>(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(), (seed, changes, cut) => {
      const bytes = bytesOf(seed);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      run(cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes);
    }),
  );
});
