import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatRfc3339Seconds, parseRfc3339 } from './rfc3339.ts';

it('parseRfc3339() agrees with the engine for every time it can print', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => {
      const ns = BigInt(date.getTime()) * 1_000_000n;
      expect(parseRfc3339(date.toISOString())).toBe(ns);
      if (date.getTime() >= 0) expect(formatRfc3339Seconds(ns)).toBe(date.toISOString().replace(/\.\d+Z$/, 'Z'));
    }),
  );
});

it('parseRfc3339() reads offsets, fractions, leap days and second 60', () => {
  const at = (text: string): bigint | undefined => parseRfc3339(text);
  expect(at('1970-01-01T00:00:00Z')).toBe(0n);
  expect(at('1970-01-01T01:30:00+01:30')).toBe(0n);
  expect(at('1969-12-31t23:00:00-01:00')).toBe(0n);
  expect(at('1970-01-01 00:00:00.123456789z')).toBe(123_456_789n);
  expect(at('1970-01-01T00:00:00.1234567891Z')).toBe(123_456_789n);
  expect(at('2024-02-29T00:00:00Z')).toBe(1_709_164_800_000_000_000n);
  expect(at('2016-12-31T23:59:60Z')).toBe(at('2017-01-01T00:00:00Z'));
});

it('parseRfc3339() refuses what is no such time', () => {
  for (const text of ['', '2026-01-01', '2026-01-01T00:00:00', '2023-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-00-01T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:00:61Z', '2026-01-01T00:00:00.Z', '2026-01-01T00:00:00+24:00', ' 2026-01-01T00:00:00Z', 'soon']) {
    expect(parseRfc3339(text), text).toBeUndefined();
  }
});
