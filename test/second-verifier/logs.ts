/** Logs of a test host: where the records of a run stand between those of others, and the checkpoint and proofs of it. */
import type { Signer } from './builder.ts';
import type { Json, JsonMap } from './json.ts';
import { leafOf, Tree } from './merkle.ts';
import { keyIdOf } from './note.ts';

export interface NoteSigner {
  readonly signer: Signer;
  /** Name of the key in the note; default: the origin. */
  readonly name?: string;
  readonly sign?: (text: Uint8Array) => Uint8Array;
}

/** Numbers of leaves of other runs, but where said. */
export interface LogDraft {
  readonly origin: string;
  /** In the log when the run began. */
  readonly size: bigint;
  /** Between that and the genesis. */
  readonly before: bigint;
  /** After each record but the last. */
  readonly between: bigint;
  readonly after: bigint;
  readonly extensions: readonly string[];
  readonly signers: readonly NoteSigner[];
  /** What the leaves of others are made of, before the run began; another than later: the log was forked. */
  readonly history?: string;
  /** Instead of `before` and `between`: where each record stands; the last that stands at a place is there. */
  readonly places?: readonly bigint[];
}

export const headOf = ({ origin, size, history }: LogDraft): { origin: string; size: string; root: string } => ({ origin, size: String(size), root: new Tree(new Map(), history).root(size).toString('base64') });

/** A line of a note, as `signer` signs its text. */
export function signatureLine(text: string, origin: string, { signer, name = origin, sign = signer.sign }: NoteSigner): string {
  return `\u2014 ${name} ${Buffer.concat([keyIdOf(name, signer.bytes), sign(Buffer.from(text))]).toString('base64')}\n`;
}

export interface LogFiles {
  readonly text: string;
  readonly proofs: JsonMap;
}

const texts = (nodes: readonly Buffer[]): Json[] => nodes.map((node) => node.toString('base64'));

/** @param headers of the records, in their order */
export function logFilesOf(draft: LogDraft, headers: readonly Buffer[]): LogFiles {
  const start = draft.size + draft.before;
  const places = draft.places ?? headers.map((_, i) => start + BigInt(i) * (draft.between + 1n));
  const [first, last] = [places[0] ?? start, places.at(-1) ?? start];
  const span = first > last ? first - last : 0n;
  const size = last + span + 1n + draft.after;
  const tree = new Tree(new Map(headers.map((header, i) => [places[i] ?? 0n, leafOf(header)])));
  const place = (at: bigint): Json => new Map<string, Json>([['index', String(at)], ['proof', texts(tree.inclusion(at, size))]]);
  return {
    text: [draft.origin, String(size), tree.root(size).toString('base64'), ...draft.extensions].map((line) => `${line}\n`).join(''),
    proofs: new Map<string, Json>([['v', 1n], ['first', place(first)], ['last', place(last)], ['since', texts(draft.size === 0n ? [] : tree.consistency(draft.size, size))]]),
  };
}
