/** Seeded random edits of JSON values, bytes and bundles. The same seed makes the same edits. */
import { isList, isMap, type Json, type JsonMap } from './json.ts';

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 … below − 1 (mulberry32). */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

type Path = readonly (string | number)[];

function pathsOf(value: Json, path: Path = []): Path[] {
  if (isMap(value)) return [path, ...[...value].flatMap(([key, member]) => pathsOf(member, [...path, key]))];
  if (isList(value)) return [path, ...value.flatMap((item, i) => pathsOf(item, [...path, i]))];
  return [path];
}

function at(value: Json, path: Path): Json {
  return path.reduce((inner: Json, step) => (isMap(inner) ? (inner.get(String(step)) ?? null) : isList(inner) ? (inner[Number(step)] ?? null) : null), value);
}

function replace(value: Json, path: Path, change: (old: Json) => Json | undefined): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return change(value);
  const inner = replace(at(value, [step]), rest, change);
  if (isMap(value)) {
    const changed = new Map(value);
    if (inner === undefined) changed.delete(String(step));
    else changed.set(String(step), inner);
    return changed;
  }
  if (!isList(value)) return value;
  return value.flatMap((item, i) => (i !== step ? [item] : inner === undefined ? [] : [inner]));
}

const TELLING: readonly Json[] = [null, true, false, 0n, 1n, 2n, -1n, 18446744073709551615n, 1, 0.5, -0, 1e300, '', ' ', 'x', 'host', 'kernel', 'active', 'retired', '1.0', 'sha256:', `sha256:${'0'.repeat(64)}`, '2026-03-01T10:00:00Z', '2026-03-01T10:00:00+00:00', '2027-01-01T00:00:00.000Z', '01kjmdeb80aaaaaaaaaaaaaaaa', 'Ω\u{1f600}\u007f', [], new Map()];

function otherScalar(random: Random, old: Json): Json {
  if (typeof old === 'bigint') return random.pick([old + 1n, old - 1n, Number(old), 0n, String(old)]);
  if (typeof old === 'boolean') return !old;
  if (typeof old !== 'string') return random.pick(TELLING);
  const letters = [...old];
  const edited = letters.length === 0 ? ['a'] : letters.with(random.below(letters.length), random.pick(['a', 'A', '0', '-', '=', '\n', 'é']));
  return random.pick([`${old}x`, letters.slice(0, -1).join(''), old.toUpperCase(), edited.join('')]);
}

/** One edit somewhere in a value: a member gone, added, exchanged, repeated, moved. */
export function mutateJson(random: Random, value: Json): Json {
  const paths = pathsOf(value);
  const path = random.pick(random.below(3) === 0 ? paths.filter((one) => one.length <= 1) : paths);
  const change = (old: Json): Json | undefined => {
    const kind = random.below(6);
    if (kind === 0 && path.length > 0) return undefined;
    if (kind === 1) return random.pick(TELLING);
    if (kind === 2) return at(value, random.pick(paths));
    if (isMap(old)) return kind === 3 && old.size > 0 ? renamed(random, old) : new Map([...old, [random.pick(['x', 'v', 'time', 'until', 'notAfter', 'previous', 'cexsessionid', 'envelope', 'chain', 'protocol', 'memoryMaxBytes', 'timeoutMs', 'placement']), random.pick(TELLING)]]);
    if (isList(old)) return old.length > 1 && kind === 3 ? [...old].reverse() : old.length > 0 ? [...old, random.pick(old)] : [random.pick(TELLING)];
    return otherScalar(random, old);
  };
  return replace(value, path, change) ?? null;
}

function renamed(random: Random, old: JsonMap): JsonMap {
  const key = random.pick([...old.keys()]);
  return new Map([...old].map(([name, member]) => [name === key ? `${name}x` : name, member]));
}

/** One edit of a text: a letter, a line, or a part of it exchanged, gone, repeated, or moved. */
export function mutateText(random: Random, text: string): string {
  const kind = random.below(4);
  if (kind === 0) {
    const lines = text.split('\n');
    const [from, to] = [random.below(lines.length), random.below(lines.length)];
    return lines.toSpliced(to, random.below(2), lines[from] ?? '').join('\n');
  }
  const letters = [...text];
  const at = random.below(letters.length + 1);
  if (kind === 1) return letters.toSpliced(at, 1 + random.below(3)).join('');
  if (kind === 2) return letters.toSpliced(at, random.below(2), random.pick([...'aA0-=+/ 19', '\n', '\n\n', '\r', '\t', '\u0000', '\u00a0', 'é', '\u2014 x AAAAAAA=\n', '\ufeff'])).join('');
  return text.replace(random.pick([/\d+/, /=/, /\n\n/, /\n$/, /\u2014/, / \S+$/m, /^.*\n/]), random.pick(['', '0', '1', '=', '\n', 'x', '18446744073709551615', '18446744073709551616', '$&$&']));
}
