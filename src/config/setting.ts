/** How the reference reads one variable. Each reading is a rule of its contract: what counts as set, as on, as a number. Pure. */
import type { Environment } from './env.ts';

/** On for `1 true yes on`, whatever the case; off for anything else. */
export function isTruthy(value: string | undefined): boolean {
  return value !== undefined && /^(?:1|true|yes|on)$/i.test(value.trim());
}

/** A word that says no: such a value of a variable that counts by being set is most likely a mistake. */
export function saysNo(value: string | undefined): boolean {
  return value !== undefined && /^(?:0|false|no|off)$/i.test(value.trim());
}

/** The value as given, unless it is blank. */
export function nonBlank(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}

/** The value without blanks around it, unless nothing is left. */
export function trimmed(value: string | undefined): string | undefined {
  return nonBlank(value)?.trim();
}

const U64_MAX = 2n ** 64n - 1n;

/** An unsigned integer of 64 bits as the reference parses one: digits, with `+` or not, and nothing around them. */
export function parseU64(text: string): bigint | undefined {
  if (!/^\+?\d{1,40}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value > U64_MAX ? undefined : value;
}

/** Milliseconds of a time limit: trimmed, above zero, else the default. */
export function millisecondsOr(value: string | undefined, fallback: number): number {
  const ms = parseU64(value?.trim() ?? '');
  return ms === undefined || ms === 0n ? fallback : Number(ms > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : ms);
}

/** `NAME__SUFFIX` of a named export target, else `NAME`; blank is not set. */
export function scoped(env: Environment, name: string, target: string): { readonly variable: string; readonly value: string } | undefined {
  const own = `${name}__${scopeSuffix(target)}`;
  for (const variable of [own, name]) {
    const value = nonBlank(env[variable]);
    if (value !== undefined) return { variable, value };
  }
  return undefined;
}

/** ASCII letters and digits in upper case, anything else as `_`. */
export function scopeSuffix(target: string): string {
  return Array.from(target, (char) => (/[A-Za-z0-9]/.test(char) ? char.toUpperCase() : '_')).join('');
}

/** Are warnings told? `RUST_LOG` of the reference, as far as it decides that: unset is `info`, empty is errors alone; directives for single targets are not looked at. */
export function tellsWarnings(rustLog: string | undefined): boolean {
  if (rustLog === undefined) return true;
  const general = rustLog.split(',').map((part) => part.trim().toLowerCase()).filter((part) => part !== '' && !part.includes('='));
  return rustLog.trim() !== '' && !general.some((level) => level === 'off' || level === 'error');
}
