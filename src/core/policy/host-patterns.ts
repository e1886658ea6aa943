/**
 * The hosts a pack allows, made ready once (reference/01 §5.5): `*` allows all, `*.suffix` what ends in `.suffix`, anything else itself.
 *
 *   H1  asking takes time by the length of the host, however many patterns there are: labels are walked from the right;
 *   H2  ASCII letter case does not count, as in every other comparison of hosts (the reference is case-sensitive here alone).
 */
import { asciiLower } from '../egress/names.ts';

export class HostPatterns {
  readonly #exact = new Set<string>();
  /** A tree of labels, all its edges in one map: `parent label` → child. The root is 0. */
  readonly #edges = new Map<string, number>();
  /** Nodes beneath which everything is allowed. */
  readonly #wild = new Set<number>();
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
    let at = 0;
    for (const label of suffix.split('.').reverse()) {
      const edge = `${at} ${label}`;
      let next = this.#edges.get(edge);
      if (next === undefined) {
        next = this.#edges.size + 1;
        this.#edges.set(edge, next);
      }
      at = next;
    }
    this.#wild.add(at);
  }

  /** Does any pattern allow the host? */
  allows(host: string): boolean {
    const name = asciiLower(host);
    if (this.#all || this.#exact.has(name)) return true;
    let at: number | undefined = 0;
    // The leftmost label is what stands for the star: it may be empty, but it has to be there. So each step takes a label with a dot before it.
    for (let end = name.length; ; ) {
      const dot = end === 0 ? -1 : name.lastIndexOf('.', end - 1);
      if (dot < 0) return false;
      at = this.#edges.get(`${at} ${name.slice(dot + 1, end)}`);
      if (at === undefined) return false;
      if (this.#wild.has(at)) return true;
      end = dot;
    }
  }
}
