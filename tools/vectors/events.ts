/** Adapters of vectors/events. */
import { sameJson, objectMember, textMember } from './expect.ts';
import assert from 'node:assert/strict';
import { toHex } from '../../src/base/bytes.ts';
import { canonicalBytes, canonicalText } from '../../src/base/canonical-json.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { refuses } from './expect.ts';
import type { VectorAdapter } from './run.ts';

export const eventAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/canonical': ({ input, expect }) => {
    const read = () => parseJson(textMember(input, 'text'), { duplicates: 'last', floats: 'reference' });
    if (expect['error'] !== undefined) {
      refuses(read, ['json.invalid', 'json.number']);
      return;
    }
    const ok = objectMember(expect, 'ok');
    assert.equal(canonicalText(read()), textMember(ok, 'canonical'));
    assert.equal(toHex(canonicalBytes(read())), textMember(ok, 'canonical_hex'));
    sameJson(read(), read());
  },
};
