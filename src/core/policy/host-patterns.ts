/**
 * The hosts a pack allows, made ready once (reference/01 §5.5): `*` allows all, `*.suffix` what ends in `.suffix`, anything else itself.
 *
 *   H1  asking takes time by the length of the host, however many patterns there are: labels are walked from the right;
 *   H2  ASCII letter case does not count, as in every other comparison of hosts (the reference is case-sensitive here alone).
 */
import { asciiLower } from '../egress/names.ts';

interface Label {
  readonly beneath: Map<string, Label>;
  /** Does a pattern allow everything beneath here? */
  wildcard: boolean;
}

const label = (): Label => ({ beneath: new Map(), wildcard: false });

export class HostPatterns {
  readonly #exact = new Set<string>();
  readonly #root = label();
  #all = false;

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      const text = asciiLower(pattern);
      if (text === '*') this.#all = true;
      else if (text.startsWith('*.')) this.#addSuffix(text.slice(2));
      else this.#exact.add(text);
    }
  }

  #addSuffix(suffix: string): void {
    let at = this.#root;
    for (const name of suffix.split('.').reverse()) {
      let next = at.beneath.get(name);
      if (next === undefined) {
        next = label();
        at.beneath.set(name, next);
      }
      at = next;
    }
    at.wildcard = true;
  }

  /** Does any pattern allow the host? */
  allows(host: string): boolean {
    const name = asciiLower(host);
    if (this.#all || this.#exact.has(name)) return true;
    const labels = name.split('.');
    let at: Label | undefined = this.#root;
    // The leftmost label is what stands for the star: it may be empty, but it has to be there.
    for (let i = labels.length - 1; i > 0; i -= 1) {
      at = at.beneath.get(labels[i] as string);
      if (at === undefined) return false;
      if (at.wildcard) return true;
    }
    return false;
  }
}
