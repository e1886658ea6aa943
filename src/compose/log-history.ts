/**
 * Holds runs and checkpoints against the log of a host: that they are of one history, and which leaves are of none of them.
 *
 *   HY1  the newest checkpoint counts when a checkpoint key of a trusted keyset signed it, one that is not known as compromised;
 *   HY2  a run is looked for by its records, after its bundle has verified; one that does not verify stands nowhere.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Bytes } from '../base/bytes.ts';
import { CellError, errnoOf, ignore, isCellError, messageOf } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import { LIMITS } from '../base/limits.ts';
import { type BundleSource, readDocument } from '../core/evidence/audit.ts';
import { linesOf, type Verdict } from '../core/evidence/audit-report.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import { type Checkpoint, parseCheckpoint, parseCheckpointText } from '../core/evidence/checkpoint.ts';
import { type LeafRange, LogHistory, recordLeaf } from '../core/evidence/log-history.ts';
import { type LogAnchor, parseAnchor } from '../core/evidence/log-proof.ts';
import { noteText } from '../core/evidence/signed-note.ts';
import { TILE_WIDTH, type TileAt, tilePath } from '../core/evidence/tiles.ts';
import { auditAt, type Trust } from './audit.ts';
import { bundleAt } from './evidence.ts';

export interface HistoryItem {
  readonly path: string;
  readonly kind: 'run' | 'checkpoint';
  readonly runId?: string;
  /**
   * `part`: it is of this history; `unfinished`: so are the first records of a run that has no end; `missing`: records are not in the log; `ahead`: the log
   * ends before it; `other`: the log had other leaves; `elsewhere`: it is of another log, or of none; `unverified`: it does not verify.
   */
  readonly standing: 'part' | 'unfinished' | 'missing' | 'ahead' | 'other' | 'elsewhere' | 'unverified';
  /** In words, where the standing alone does not say it. */
  readonly detail?: string;
  /** Records of it, and those that are in the log. */
  readonly records?: number;
  readonly found?: number;
}

export interface HistoryReport {
  readonly origin: string;
  /** Leaves, decimal. */
  readonly size: string;
  /** The newest checkpoint, as it was signed. */
  readonly note: Bytes;
  readonly items: readonly HistoryItem[];
  /** Leaves of no run that was given. */
  readonly unseen: readonly LeafRange[];
  /** `complete`: all that was given is of this history; `incomplete-tail`: some of it is of another log; `tampered`: some of it is not of the history it should be. */
  readonly verdict: Extract<Verdict, 'complete' | 'incomplete-tail' | 'tampered'>;
}

function readSmall(path: string): Bytes | undefined {
  try {
    if (statSync(path).size > LIMITS.noteSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read ${path}: it is larger than ${LIMITS.noteSizeBytesMax} bytes, which no checkpoint and no tile is`, { facts: { path } });
    return readFileSync(path);
  } catch (error) {
    if (isCellError(error)) throw error;
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new CellError('evidence.invalid', `Cannot read ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
}

/** [HY1] */
function checkpointKeys({ pins }: Trust): Bytes[] {
  const keys = pins.flatMap(({ known }) => [...(known?.keys.values() ?? [])]).filter(({ purpose, state }) => purpose === 'checkpoint' && state !== 'compromised');
  if (keys.length === 0) throw new CellError('evidence.invalid', 'Cannot judge a log: no checkpoint key is trusted; give what cellos keys export writes with --trust', { facts: { exit: 12 } });
  return keys.map(({ publicKey }) => publicKey);
}

/** @param origin undefined: as it says itself. @throws CellError `signature.invalid` */
function openCheckpoint(note: Bytes, keys: readonly Bytes[], origin = parseCheckpointText(noteText(note)).origin): Checkpoint {
  return parseCheckpoint(note, keys.map((publicKey) => ({ name: origin, publicKey })), { origin });
}

interface RunRecords {
  readonly leaves: readonly Bytes[];
  readonly anchor: LogAnchor | undefined;
}

async function recordsOf(source: BundleSource): Promise<RunRecords> {
  const leaves: Bytes[] = [];
  let anchor: LogAnchor | undefined;
  for await (const { line, complete } of linesOf(source.open(BUNDLE.records))) {
    if (!complete) break;
    if (leaves.length === 0) anchor = anchorIn(line);
    leaves.push(recordLeaf(line));
  }
  return { leaves, anchor };
}

function anchorIn(genesis: Bytes): LogAnchor | undefined {
  let value = parseJson(genesis);
  for (const name of ['envelope', 'event', 'data', 'log']) value = (isJsonObject(value) ? value[name] : undefined) ?? null;
  return parseAnchor(value);
}

interface Held {
  readonly history: LogHistory;
  readonly origin: string;
  readonly keys: readonly Bytes[];
  readonly trust: Trust;
}

async function holdRun(path: string, { history, origin, trust }: Held): Promise<HistoryItem> {
  const { report } = await auditAt(path, trust);
  const item = { path, kind: 'run' as const, ...(report.runId === undefined ? {} : { runId: report.runId }) };
  const found = bundleAt(path);
  if (found.kind !== 'bundle' || !VERIFIED.has(report.verdict)) return { ...item, standing: 'unverified', detail: `${report.verdict}${report.findings[0] === undefined ? '' : `: ${report.findings[0]}`}` }; // HY2
  if (report.count === 0) return { ...item, records: 0, found: 0, standing: 'unfinished' }; // killed before its first record
  const { leaves, anchor } = await recordsOf(found.source);
  if (anchor?.origin !== origin) return { ...item, standing: 'elsewhere', detail: anchor === undefined ? 'its genesis names no log' : `it is in the log ${anchor.origin}` };
  const began = history.standingOf(anchor);
  if (began !== 'part') return { ...item, standing: began, detail: began === 'ahead' ? `the log had ${anchor.size} leaves when the run began` : `the log had other leaves when the run began` };
  const counts = { records: leaves.length, found: history.find(leaves, anchor.size) };
  if (report.log === undefined) return { ...item, ...counts, standing: 'unfinished' };
  const head = parseCheckpointText(noteText(await readDocument(found.source, BUNDLE.checkpoint)));
  const ended = history.standingOf(head);
  if (ended !== 'part') return { ...item, ...counts, standing: ended, detail: ended === 'ahead' ? `the log had ${head.size} leaves when the run ended` : 'the log had other leaves when the run ended' };
  return { ...item, ...counts, standing: counts.found === counts.records ? 'part' : 'missing' };
}

const VERIFIED: ReadonlySet<string> = new Set(['complete', 'complete-with-declared-gaps', 'incomplete-tail']);

function holdCheckpoint(path: string, note: Bytes, { history, origin, keys }: Held): HistoryItem {
  const item = { path, kind: 'checkpoint' as const };
  let head: Checkpoint;
  try {
    head = openCheckpoint(note, keys);
  } catch (error) {
    if (!isCellError(error, 'signature.invalid')) throw error;
    return { ...item, standing: 'unverified', detail: messageOf(error) };
  }
  if (head.origin !== origin) return { ...item, standing: 'elsewhere', detail: `it is of the log ${head.origin}` };
  const standing = history.standingOf(head);
  return { ...item, standing, ...(standing === 'ahead' ? { detail: `it has ${head.size} leaves` } : {}) };
}

/** @returns undefined for what is no signed note: then it has to be a bundle */
function noteAt(path: string): Bytes | undefined {
  if (!existsSync(path)) throw new CellError('run.unknown', `Cannot find ${path}: there is no such bundle or checkpoint, and no run has such an id`, { facts: { path } });
  if (statSync(path).isDirectory() || statSync(path).size > LIMITS.noteSizeBytesMax) return undefined;
  const bytes = readFileSync(path);
  try {
    noteText(bytes);
    return bytes;
  } catch (error) {
    if (!isCellError(error, 'signature.invalid')) throw error;
    ignore(error, 'a bundle is none');
    return undefined;
  }
}

const BAD: ReadonlySet<HistoryItem['standing']> = new Set(['missing', 'ahead', 'other', 'unverified']);

function verdictOf(items: readonly HistoryItem[]): HistoryReport['verdict'] {
  if (items.some(({ standing }) => BAD.has(standing))) return 'tampered';
  return items.some(({ standing }) => standing === 'elsewhere') ? 'incomplete-tail' : 'complete';
}

/**
 * @param folder of a log, as its host keeps it or a copy of it
 * @param paths bundles and checkpoints
 * @param onItem told how many of them were held, before the next one
 * @throws CellError `evidence.invalid` with the fact `exit` for a log that is not what its checkpoint says, or whose checkpoint nobody trusted signed; `run.unknown`
 */
export async function holdAgainstLog(folder: string, paths: readonly string[], trust: Trust, onItem: (held: number) => void = () => undefined): Promise<HistoryReport> {
  const note = readSmall(`${folder}/checkpoint`);
  if (note === undefined) throw new CellError('run.unknown', `Cannot find a log in ${folder}: it has no checkpoint; a host has one from its first run on`, { facts: { path: folder } });
  const keys = checkpointKeys(trust);
  let head: Checkpoint;
  let history: LogHistory;
  try {
    head = openCheckpoint(note, keys);
  } catch (error) {
    throw new CellError('evidence.invalid', `Cannot trust the checkpoint of the log in ${folder}: ${messageOf(error)}`, { cause: error, facts: { exit: 12 } });
  }
  const readTile = (tile: TileAt): Bytes => {
    const bytes = readSmall(`${folder}/${tilePath(tile)}`) ?? readSmall(`${folder}/${tilePath({ ...tile, width: TILE_WIDTH })}`);
    if (bytes === undefined) throw new CellError('evidence.invalid', `Cannot read the log in ${folder}: ${tilePath(tile)} is missing`, { facts: { path: folder } });
    return bytes;
  };
  try {
    history = new LogHistory(head, readTile);
  } catch (error) {
    if (!isCellError(error, 'evidence.invalid')) throw error;
    throw new CellError('evidence.invalid', `The log in ${folder} is not the one that its checkpoint was signed for: ${messageOf(error)}`, { cause: error, facts: { exit: 11 } });
  }
  const held: Held = { history, origin: head.origin, keys, trust };
  const items: HistoryItem[] = [];
  for (const path of paths) {
    onItem(items.length);
    const given = noteAt(path);
    items.push(given === undefined ? await holdRun(path, held) : holdCheckpoint(path, given, held));
  }
  return { origin: head.origin, size: String(head.size), note, items, unseen: history.unseen(), verdict: verdictOf(items) };
}
