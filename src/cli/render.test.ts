import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesText, commandText, durationText, fit, PLAIN, styleOf, table, visible, visibleLines, widthOf, wrap } from './render.ts';

const WIDTHS = [60, 80, 120];

describe('visible() [TX1]', () => {
  it('leaves no character that a terminal obeys, whatever stands in the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visible(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
        expect(visibleLines(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u202a-\u202e]/);
      }),
    );
  });

  it('shows what it took the power from', () => {
    expect(visible('a\u001b[31mred\n\u202eevil')).toBe('a\\x1b[31mred\\n\\u202eevil');
    // Two names that look the same are told apart.
    expect(visible('TO\u200bK\u00adEN\ufeff')).toBe('TO\\u200bK\\xadEN\\ufeff');
    expect(visibleLines('one\n\ttwo\r\u001b]0;x\u0007')).toBe('one\n\ttwo\\r\\x1b]0;x\\x07');
  });

  it('quotes a command as a shell would take it', () => {
    expect(commandText(['sh', '-c', "echo 'a b'", ''])).toBe("sh -c 'echo '\\''a b'\\''' ''");
  });
});

describe('widths [TX2]', () => {
  it('cuts and breaks to the width, counting wide characters twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        expect(widthOf(fit(visible(text), width))).toBeLessThanOrEqual(width);
      }),
    );
    expect(fit('日本語テキスト', 7)).toBe('日本語…');
    expect(fit('short', 7)).toBe('short');
  });

  it('wraps without losing a word, and never beyond the width', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1 }), fc.integer({ min: 10, max: 120 }), (words, width) => {
        const lines = wrap(words.join(' '), width, '  ');
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(words.join(''));
      }),
    );
  });

  it('shrinks what may be cut, then leaves out what is optional', () => {
    const columns = [{ title: 'ID' }, { title: 'TEXT', shrinkTo: 6 }, { title: 'MORE', optional: true }];
    const rows = [['0123456789', 'a rather long text of many words', 'optional']];
    const at = (width: number) => table(columns, rows, { width, style: PLAIN });
    expect(at(80)).toEqual(['ID          TEXT                              MORE', '0123456789  a rather long text of many words  optional']);
    expect(at(34)).toEqual(['ID          TEXT          MORE', '0123456789  a rather lo…  optional']);
    expect(at(20)).toEqual(['ID          TEXT', '0123456789  a rathe…']);
    for (const width of WIDTHS) for (const line of at(width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('does not count its own colours', () => {
    expect(widthOf(styleOf(true).red('abc'))).toBe(3);
    expect(styleOf(false).red('abc')).toBe('abc');
  });
});

describe('numbers for people', () => {
  it('says durations and sizes in the unit that fits', () => {
    expect([0, 999, 1500, 59_999, 60_000, 3_725_000, 90_000_000].map(durationText)).toEqual(['0 ms', '999 ms', '1.5 s', '59.9 s', '1 min 00 s', '1 h 02 min', '1 d 1 h']);
    expect([0, 1023, 1536, 64 * 1024 * 1024, 3 * 1024 ** 4].map(bytesText)).toEqual(['0 B', '1023 B', '1.5 KiB', '64 MiB', '3.0 TiB']);
  });
});
