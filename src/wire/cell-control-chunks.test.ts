import fc from 'fast-check';
import { describe, it } from 'vitest';
import controlFrames, { seeds } from '../../fuzz/targets/control-frames.ts';

const whole = seeds.map((seed) => [...seed]);
const piece = fc.oneof(fc.constantFrom(...whole), fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 12 }));

describe('CellFrameDecoder', () => {
  it('gives the same frames and the same refusal however a stream is cut [W1, W3]', () => {
    fc.assert(fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => controlFrames(Uint8Array.from(pieces.flat()))));
  });
});
