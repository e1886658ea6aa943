/** That a run is in the log of its host (section 6.1): what the genesis names, the checkpoint, and the proofs between the three. */
import { exactMembers, integerAt, isList, type Json, jcs, readExact, refuse, textAt } from './json.ts';
import type { Key } from './keysets.ts';
import { checkConsistency, EMPTY_ROOT, type Head, leafOf, rootByInclusion } from './merkle.ts';
import { checkpointOf, hashOf, isName, numberOf, readNote, signersOf } from './note.ts';

export const CHECKPOINT = 'checkpoint.txt';
export const PROOFS = 'proofs.json';
const NODES_MAX = 65;

/** `data.log` of a genesis. */
export interface Log extends Head {
  readonly origin: string;
}

/** @throws Refusal */
export function logOf(value: Json): Log {
  const map = exactMembers(value, ['origin', 'size', 'root']);
  const log = { origin: textAt(map, 'origin'), size: numberOf(textAt(map, 'size')), root: hashOf(textAt(map, 'root')) };
  if (!isName(log.origin)) refuse('no name of a log');
  if (log.size === 0n && !log.root.equals(EMPTY_ROOT)) refuse('an empty log of another root');
  return log;
}

interface Place {
  readonly index: bigint;
  readonly proof: readonly Buffer[];
}

function nodesOf(value: Json | undefined): Buffer[] {
  if (!isList(value) || value.length > NODES_MAX) return refuse('no list of nodes, or too many');
  return value.map((node) => hashOf(typeof node === 'string' ? node : refuse('a node is no text')));
}

function placeOf(value: Json | undefined): Place {
  const map = exactMembers(value, ['index', 'proof']);
  return { index: numberOf(textAt(map, 'index')), proof: nodesOf(map.get('proof')) };
}

function proofsOf(bytes: Uint8Array): { first: Place; last: Place; since: readonly Buffer[] } {
  const map = exactMembers(readExact(bytes, jcs), ['v', 'first', 'last', 'since']);
  if (integerAt(map, 'v') !== 1n) refuse('proofs of another version');
  return { first: placeOf(map.get('first')), last: placeOf(map.get('last')), since: nodesOf(map.get('since')) };
}

function checkInclusion(header: Uint8Array, { index, proof }: Place, { size, root }: Head): void {
  if (index >= size) refuse('a record behind the checkpoint');
  if (!Buffer.from(rootByInclusion(leafOf(header), index, size, proof)).equals(root)) refuse('a record is not in the log');
}

export interface Logged {
  readonly log: Log | undefined;
  readonly count: number;
  /** Canonical JSON of the headers of the first and the last record. */
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** @returns the keys that signed the checkpoint, none without a log. @throws Refusal */
export function checkLog(files: ReadonlyMap<string, Uint8Array>, { log, count, first, last }: Logged, keys: readonly Key[]): Key[] {
  const [checkpointFile, proofsFile] = [files.get(CHECKPOINT), files.get(PROOFS)];
  if (log === undefined) return checkpointFile === undefined && proofsFile === undefined ? [] : refuse('proofs of a log that the genesis does not name');
  const note = readNote(checkpointFile ?? refuse('the checkpoint is missing'));
  const checkpoint = checkpointOf(note.text);
  if (checkpoint.origin !== log.origin) refuse('a checkpoint of another log');
  const signers = signersOf(note, log.origin, keys);
  const proofs = proofsOf(proofsFile ?? refuse('the proofs are missing'));
  if (proofs.first.index < log.size) refuse('the run began before its genesis was made');
  if (proofs.last.index - proofs.first.index < BigInt(count - 1)) refuse('fewer leaves than records');
  checkInclusion(first, proofs.first, checkpoint);
  checkInclusion(last, proofs.last, checkpoint);
  checkConsistency(log, checkpoint, proofs.since);
  return signers;
}
