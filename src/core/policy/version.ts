/** Versions of policy packs, and the oldest that is still taken (reference/01 §5.3). */
import { quoted } from '../spec/issues.ts';

export const PACK_VERSION_FLOOR = '1.0.0';

export type VersionRefusal = 'version-suffix' | 'version-parts' | 'version-component' | 'version-zero' | 'version-overflow' | 'version-floor';

interface Refused {
  readonly reason: VersionRefusal;
  readonly message: string;
}

const U64_MAX = 2n ** 64n - 1n;
const FLOOR = [1n, 0n, 0n] as const;

function component(text: string): bigint | Refused {
  if (!/^[0-9]+$/.test(text)) return { reason: 'version-component', message: `has the part ${quoted(text)}, which is no whole number` };
  if (text.length > 1 && text.startsWith('0')) return { reason: 'version-zero', message: `has the part ${quoted(text)}, which begins with a zero` };
  // Longer than any u64: not read as a number at all.
  if (text.length > 20 || BigInt(text) > U64_MAX) return { reason: 'version-overflow', message: `has a part of ${text.length} digits, beyond 64 bits` };
  return BigInt(text);
}

function isOlder(version: readonly bigint[]): boolean {
  for (const [i, least] of FLOOR.entries()) {
    const part = version[i] ?? 0n;
    if (part !== least) return part < least;
  }
  return false;
}

/**
 * A version that is absent is fine; a suffix after the first dash does not count for the order.
 * @param options.allowDowngrade lets one below the floor through; a malformed one never
 */
export function versionRefusal(declared: string | undefined, options: { allowDowngrade: boolean }): Refused | undefined {
  if (declared === undefined) return undefined;
  const dash = declared.indexOf('-');
  const [core, suffix] = dash < 0 ? [declared, undefined] : [declared.slice(0, dash), declared.slice(dash + 1)];
  if (suffix !== undefined && !/^[A-Za-z0-9.-]+$/.test(suffix)) return { reason: 'version-suffix', message: `${quoted(declared)} has something other than letters, digits, dots and dashes after its first dash` };
  const parts = core.split('.');
  if (parts.length !== 3) return { reason: 'version-parts', message: `${quoted(declared)} has to be MAJOR.MINOR.PATCH` };
  const version: bigint[] = [];
  for (const part of parts) {
    const value = component(part);
    if (typeof value !== 'bigint') return { ...value, message: `${quoted(declared)} ${value.message}` };
    version.push(value);
  }
  if (!isOlder(version) || options.allowDowngrade) return undefined;
  return { reason: 'version-floor', message: `${quoted(declared)} is older than ${PACK_VERSION_FLOOR}, the oldest that is taken` };
}
