/**
 * The host patterns of a policy pack: `*` takes all, `*.suffix` what ends in `.suffix`, anything else itself; letter case does not count.
 * One look a label of the host, however many patterns there are.
 */
import { asciiLower } from '../egress/names.ts';

export class HostPatterns {
  readonly #exact = new Set<string>();
  /** With their leading dot. */
  readonly #suffixes = new Set<string>();
  #all = false;

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      const lower = asciiLower(pattern);
      if (lower === '*') this.#all = true;
      else if (lower.startsWith('*.')) this.#suffixes.add(lower.slice(1));
      else this.#exact.add(lower);
    }
  }

  allow(host: string): boolean {
    if (this.#all) return true;
    const lower = asciiLower(host);
    if (this.#exact.has(lower)) return true;
    for (let dot = lower.indexOf('.'); dot >= 0; dot = lower.indexOf('.', dot + 1)) if (this.#suffixes.has(lower.slice(dot))) return true;
    return false;
  }
}
