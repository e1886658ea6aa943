import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from './bytes.ts';
import { crc32c } from './crc32c.ts';

/** The definition, bit by bit. */
function byDefinition(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** RFC 3720 appendix B.4 shows CRCs as bytes on the wire: least significant first. */
const onTheWire = (crc: number): string => Buffer.from([crc & 0xff, (crc >>> 8) & 0xff, (crc >>> 16) & 0xff, crc >>> 24]).toString('hex');

describe('crc32c', () => {
  it.each([
    ['32 bytes of zeros', new Uint8Array(32), 'aa36918a'],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), '43aba862'],
    ['32 bytes counting up', Uint8Array.from({ length: 32 }, (_, i) => i), '4e79dd46'],
    ['32 bytes counting down', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), '5cdb3f11'],
    ['an iSCSI read command', Uint8Array.from(Buffer.from('01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000', 'hex')), '563a96d9'],
  ])('RFC 3720 B.4: %s', (_name, bytes, expected) => {
    expect(onTheWire(crc32c(bytes))).toBe(expected);
  });

  it('has the check value of its catalogue entry, and 0 for nothing', () => {
    expect(crc32c(utf8('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });

  it('is what the definition says, of any bytes, whole or in two pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const at = Math.min(cut, bytes.byteLength);
        expect(crc32c(bytes)).toBe(byDefinition(bytes));
        expect(crc32c(bytes, { start: at }, crc32c(bytes, { end: at }))).toBe(crc32c(bytes));
      }),
    );
  });
});
