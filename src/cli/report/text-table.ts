/**
 * Tables for terminals that lose nothing: cells are wrapped, not cut; where not even that fits, each row is told as a list. Pure.
 *
 *   TT1  every text goes through `visible` [TX1], and no line is longer than the width;
 *   TT2  a width that has no end (a pipe) gets one line a row, however long.
 */
import { pad, type Style, visible, widthOf, wrap } from '../render.ts';
import type { PageColumn, PageText, TableBlock, Tone } from './page.ts';

export interface TextPage {
  readonly width: number;
  readonly style: Style;
}

const GAP = 2;
/** Longer texts are wrapped in any case; measuring more of them changes nothing. */
const NATURAL_MAX = 400;

export function paintOf(tone: Tone | undefined, style: Style): (text: string) => string {
  if (tone === 'good') return style.green;
  if (tone === 'warn') return style.yellow;
  if (tone === 'bad') return style.red;
  return tone === 'quiet' ? style.dim : (text) => text;
}

/** Takes from the widest columns that may shrink, evenly, until it fits. @returns undefined when it never does */
function widthsFor(columns: readonly PageColumn[], natural: readonly number[], width: number): number[] | undefined {
  const widths = natural.map((one) => Math.min(one, NATURAL_MAX));
  const least = columns.map(({ least }, at) => Math.min(least ?? Number.POSITIVE_INFINITY, widths[at] ?? 0));
  let over = widths.reduce((sum, one) => sum + one, 0) + GAP * (columns.length - 1) - width;
  while (over > 0) {
    let widest = -1;
    for (const [at, one] of widths.entries()) if (one > (least[at] ?? 0) && (widest < 0 || one > (widths[widest] ?? 0))) widest = at;
    if (widest < 0) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}

/** Lines of one cell. `wrap` measures at least eight columns; a narrower cell is broken at its width. */
function cellLines(text: string, width: number): string[] {
  if (widthOf(text) <= width) return [text];
  if (width >= 8) return wrap(text, width);
  const lines: string[] = [];
  let line = '';
  for (const char of text) {
    if (widthOf(line) + widthOf(char) > width && line !== '') {
      lines.push(line);
      line = '';
    }
    line += char;
  }
  return [...lines, line];
}

function rowLines(cells: readonly PageText[], columns: readonly PageColumn[], widths: readonly number[], style: Style): string[] {
  const broken = cells.map(({ text }, at) => cellLines(visible(text), widths[at] ?? 0));
  const height = Math.max(1, ...broken.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, at) => {
        const text = broken[at]?.[line] ?? '';
        const space = ' '.repeat(Math.max(0, width - widthOf(text)));
        const painted = paintOf(cells[at]?.tone, style)(text);
        return columns[at]?.right === true ? space + painted : painted + space;
      })
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** The first cell as a head, the others beneath it by their titles; empty ones are left out. */
function asList({ columns, rows }: TableBlock, { width, style }: TextPage): string[] {
  const left = Math.max(...columns.slice(1).map(({ title }) => title.length), 0) + 4;
  return rows.flatMap((cells) => {
    const [head, ...rest] = cells;
    const lines = wrap(visible(head?.text ?? ''), width).map(style.bold);
    for (const [at, { text, tone }] of rest.entries()) {
      if (text === '') continue;
      const title = columns[at + 1]?.title ?? '';
      for (const [number, line] of cellLines(visible(text), Math.max(8, width - left)).entries()) lines.push(`${number === 0 ? style.dim(pad(`  ${title}`, left)) : ' '.repeat(left)}${paintOf(tone, style)(line)}`);
    }
    return lines;
  });
}

/** Leaves optional columns out, the last first, until the rest fits; says which. */
function fitted(block: TableBlock, width: number): { block: TableBlock; widths: number[] | undefined; dropped: readonly string[] } {
  const dropped: string[] = [];
  for (let shown = block; ; ) {
    const { columns, rows } = shown;
    const natural = columns.map(({ title }, at) => rows.reduce((most, row) => Math.max(most, widthOf(visible(row[at]?.text ?? ''))), widthOf(title)));
    const widths = width === Number.POSITIVE_INFINITY ? natural : widthsFor(columns, natural, width);
    const drop = widths === undefined ? columns.findLastIndex(({ optional }) => optional === true) : -1;
    if (drop < 0) return widths === undefined ? { block, widths, dropped: [] } : { block: shown, widths, dropped };
    dropped.unshift(columns[drop]?.title ?? '');
    shown = { ...shown, columns: columns.toSpliced(drop, 1), rows: rows.map((row) => row.toSpliced(drop, 1)) };
  }
}

export function tableLines(whole: TableBlock, page: TextPage): string[] {
  const { block, widths, dropped } = fitted(whole, page.width);
  const { columns, rows, more } = block;
  const narrow = dropped.length === 0 ? [] : wrap(`Too narrow for: ${dropped.join(', ')}; a wider terminal, a pipe or --html shows it`, page.width).map(page.style.dim);
  const rest = [...(more === undefined ? [] : wrap(visible(more), page.width)), ...narrow];
  if (widths === undefined) return [...asList(block, page), ...rest];
  const titles = columns.map(({ title }): PageText => ({ text: title, tone: 'quiet' }));
  return [...rowLines(titles, columns, widths, page.style), ...rows.flatMap((row) => rowLines(row, columns, widths, page.style)), ...rest];
}
