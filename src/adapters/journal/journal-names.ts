/** The names in a journal's folder. What is called otherwise is not ours, and is left alone. */
import { CellError } from '../../base/errors.ts';

export const WATERMARK = 'watermark';
/** A file that was being made. */
export const PART = '.part';

const DIGITS = 10;

const numbered = (kind: string, number: number): string => `${kind}-${String(number).padStart(DIGITS, '0')}`;

export const segmentName = (number: number): string => numbered('segment', number);
export const epochName = (epoch: number): string => numbered('epoch', epoch);
export const tornName = (segment: number, offset: number): string => `torn-${segment}-${offset}`;

/** @throws CellError `usage.invalid` for a name that is none */
export function cursorName(name: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new CellError('usage.invalid', `Cannot keep a cursor "${name}": its name is 1 to 64 of a–z, 0–9 and -`);
  return `cursor-${name}`;
}

/** Numbers of the files of one kind, in order. */
export function numbersOf(names: readonly string[], kind: 'segment' | 'epoch'): number[] {
  const pattern = new RegExp(`^${kind}-(\\d{${DIGITS},15})$`);
  return names.flatMap((name) => Number(pattern.exec(name)?.[1] ?? 0) || []).sort((a, b) => a - b);
}

export const cursorsOf = (names: readonly string[]): string[] => names.flatMap((name) => /^cursor-([a-z0-9-]{1,64})$/.exec(name)?.[1] ?? []);
