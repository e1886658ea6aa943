/**
 * Text for terminals and pipes. Pure: width and colour come from the caller.
 *
 *   TX1  text from a document, a command or an event is shown through `visible`: it can't move the cursor, change colours or pose as ours;
 *   TX2  a line is never longer than the width given; what is cut ends in `…`.
 */

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

const paint = (open: number, close: number) => (text: string) => (text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`);
const same = (text: string): string => text;
const COLOUR: Style = { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39) };
export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

export function styleOf(colour: boolean): Style {
  return colour ? COLOUR : PLAIN;
}

/** C0, DEL, C1, line and paragraph separators, what changes the direction of text, and what takes no place at all, by which two names could look the same. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  return NAMED[char] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`);
}

/** One line that shows control characters instead of obeying them [TX1]. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** As `visible`, with lines and tabs as they are: for the output of a command on a terminal. */
export function visibleLines(text: string): string {
  return text.replace(UNSAFE, (char) => (char === '\n' || char === '\t' ? char : escaped(char)));
}

const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO = /\p{Mn}|\p{Me}|[\u200b-\u200d]|\ufe0f/u;
const COLOURS = /\u001b\[\d+m/g;

/** Columns a text takes on a terminal; our own colours take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of text.replace(COLOURS, '')) width += ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

/** Cuts an unpainted text to a width [TX2]. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const char of text) {
    const next = widthOf(char);
    if (used + next > width - 1) break;
    kept += char;
    used += next;
  }
  return width < 1 ? '' : `${kept}…`;
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Breaks at spaces; a word longer than a line is broken where it must be. Unpainted text only. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const room = Math.max(8, width - indent.length);
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line);
      line = '';
    } else if (line !== '') {
      line += ` ${word}`;
      continue;
    }
    while (widthOf(word) > room) {
      const head = fit(word, room + 1).slice(0, -1) || word.slice(0, room);
      lines.push(head);
      word = word.slice(head.length);
    }
    line = word;
  }
  lines.push(line);
  return lines.map((one) => indent + one);
}

export interface Column {
  readonly title: string;
  /** May be cut to this many columns when the line is too long; undefined: never cut. */
  readonly shrinkTo?: number;
  /** Left out, last first, when the line is still too long. */
  readonly optional?: boolean;
  readonly right?: boolean;
  readonly paint?: (text: string, row: number) => string;
}

const GAP = 2;

function layout(columns: readonly Column[], natural: readonly number[], width: number): { at: number; width: number }[] {
  let kept = columns.map((_, at) => at);
  const sizes = [...natural];
  const total = (): number => kept.reduce((sum, at) => sum + (sizes[at] ?? 0), 0) + GAP * (kept.length - 1);
  const shrink = (): void => {
    for (const at of kept) sizes[at] = natural[at] ?? 0;
    for (const at of [...kept].reverse()) {
      const least = columns[at]?.shrinkTo;
      const over = total() - width;
      if (least !== undefined && over > 0) sizes[at] = Math.max(Math.min(least, natural[at] ?? 0), (sizes[at] ?? 0) - over);
    }
  };
  shrink();
  while (total() > width) {
    const drop = kept.findLast((at) => columns[at]?.optional === true);
    if (drop === undefined) break;
    kept = kept.filter((at) => at !== drop);
    shrink();
  }
  return kept.map((at) => ({ at, width: sizes[at] ?? 0 }));
}

/** Rows of plain cells → lines, titles first, no longer than `width` as far as columns may be cut. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], options: { width: number; style: Style }): string[] {
  const natural = columns.map((column, at) => Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[at] ?? ''))));
  const shown = layout(columns, natural, options.width);
  const line = (cells: readonly string[], paint: (column: Column, text: string) => string): string =>
    shown
      .map(({ at, width }, index) => {
        const column = columns[at] as Column;
        const text = fit(cells[at] ?? '', width);
        const gap = ' '.repeat(width - widthOf(text));
        const painted = paint(column, text);
        return column.right ? gap + painted : index === shown.length - 1 ? painted : painted + gap;
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(columns.map((column) => column.title), (_, text) => options.style.dim(text)), ...rows.map((row, at) => line(row, (column, text) => column.paint?.(text, at) ?? text))];
}

export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}

/** `340 ms`, `2.4 s`, `3 min 05 s`, `2 h 04 min`, `3 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10} s`;
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** Binary units: `512 B`, `1.5 MiB`, `12 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024) return `${unit === 'B' || value >= 10 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

/** An argv as a shell would take it, control characters shown. */
export function commandText(argv: readonly string[]): string {
  return argv.map((arg) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(arg) ? arg : `'${visible(arg).replaceAll("'", "'\\''")}'`)).join(' ');
}
