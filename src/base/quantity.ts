/** Durations and sizes as people write them. */
import { CellError } from '../base/errors.ts';

function usage(option: string, text: string, example: string): CellError {
  return new CellError('usage.invalid', `Cannot use ${option} ${JSON.stringify(text)}: write it like ${example}`, { facts: { option } });
}

/** `90`, `30s`, `5m`, `2h`, `500ms` → milliseconds. */
export function parseDuration(option: string, text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined) throw usage(option, text, '30s, 5m or 1h');
  const ms = Number(number) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'ms' | 's' | 'm' | 'h' | 'd'];
  if (!Number.isFinite(ms) || ms <= 0) throw usage(option, text, '30s, 5m or 1h');
  return ms;
}

/** `512M`, `2G`, `1048576`, binary units → bytes. */
export function parseSize(option: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit.toUpperCase()));
  if (number === undefined || !Number.isSafeInteger(bytes) || bytes < 4096) throw usage(option, text, '512M or 2G (at least 4096 bytes)');
  return bytes;
}

export function parsePositive(option: string, text: string, whole: boolean): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0) || (whole && !Number.isSafeInteger(value))) throw usage(option, text, whole ? '128' : '1.5');
  return value;
}
