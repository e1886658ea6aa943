import { expect, it } from 'vitest';
import { canonicalSpecHash } from './hash.ts';

it('canonicalSpecHash() gives the reference hash of the minimal spec', () => {
  expect(canonicalSpecHash({ id: 'a', authority: {}, lifetime: { ttlSeconds: 1 } })).toBe('sha256:ca73153629ed8d4d984ff2b1465d130d7cf8e679a124d3faeaa07dc2f81a5709');
});
