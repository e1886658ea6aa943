/** Sections about what happened: timeline, commands, secrets, policy, workspace, artifacts. Pure. */
import type { CommandRun } from '../../core/projection/report/run-times.ts';
import type { RunReport, TimelineEntry } from '../../core/projection/report/report-model.ts';
import type { LeaseStep, SecretLife } from '../../core/projection/report/secret-lives.ts';
import { bytesText, commandText, durationText, plural, visible } from '../render.ts';
import { factsOf, shortType } from '../render-events.ts';
import { readable } from './authority-sections.ts';
import { factsBlock, notesBlock, type PageText, plain, type Section, sectionOf, type Tone, toned } from './page.ts';

const optionalBytes = (bytes: number | undefined): string => (bytes === undefined ? '' : bytesText(bytes));
const offset = (ms: number | undefined): string => (ms === undefined ? '?' : `+${Math.round(ms)} ms`);

function timelineRow({ record, sinceMs, proven }: TimelineEntry): PageText[] {
  const guest = record.tier === 'guest';
  const what = record.type === '' ? toned('warn', 'withheld') : plain(shortType(record.type));
  const facts = readable(factsOf(record));
  return [plain(record.seq), plain(offset(sinceMs)), toned(guest ? 'warn' : undefined, guest ? 'guest (claimed)' : record.tier), what, proven ? plain(facts) : toned('bad', `not proven: ${facts}`)];
}

export function timelineSection({ timeline, lanes, standing }: RunReport): Section[] {
  const { entries, more, clockBackMs } = timeline;
  const audited = standing.kind !== 'not-audited';
  const notes: PageText[] = [toned('quiet', 'Times are those of the wall clock of the host, from the first record on; how long a command took is measured by its monotonic clock.')];
  if (clockBackMs > 0) notes.push(toned('warn', `The wall clock went back by up to ${durationText(clockBackMs)} between two records: their order is that of their numbers.`));
  if (entries.length === 0) return [];
  return sectionOf('timeline', 'Timeline', [
    { kind: 'picture', about: `${plural(lanes.lanes.length, 'bar')} over ${durationText(lanes.lengthMs)}; the table below tells the same`, lanes },
    notesBlock(notes),
    {
      kind: 'table',
      caption: 'The records in their order, and who saw what they tell',
      columns: [{ title: '#', right: true }, { title: 'At', right: true }, { title: 'Seen by', least: 6 }, { title: 'Event', least: 15, code: true }, { title: 'What', least: 20 }],
      rows: entries.map((entry) => timelineRow(audited ? entry : { ...entry, proven: true })),
      ...(more === 0 ? {} : { more: `… and ${plural(more, 'record')} more: --events ${entries.length + more} shows them` }),
    },
  ]);
}

function endOf({ ending, exitCode, signalName, reason }: CommandRun): PageText {
  const tone: Tone = ending === 'exited' && exitCode === 0 ? 'good' : 'bad';
  const how = signalName ?? (exitCode === undefined ? '' : `code ${exitCode}`);
  return toned(tone, `${ending}${how === '' ? '' : `, ${how}`}${reason === undefined ? '' : `: ${reason}`}`);
}

export function commandsSection({ commands, commandsMore, limits, output }: RunReport): Section[] {
  return sectionOf('commands', 'Commands, limits, output', [
    {
      kind: 'table',
      caption: 'Each command, how it ended and what it took',
      columns: [{ title: 'Command', least: 16, code: true }, { title: 'Ended', least: 12 }, { title: 'Took', least: 6, right: true }, { title: 'CPU', least: 6, right: true }, { title: 'Memory peak', least: 8, right: true }, { title: 'Processes', least: 5, right: true }],
      rows: commands.map((command) => [
        plain(commandText(command.argv)),
        endOf(command),
        plain(command.durationMs === undefined ? 'not observed' : durationText(command.durationMs)),
        plain(command.cpuMs === undefined ? '' : durationText(command.cpuMs)),
        plain(command.memoryPeakBytes === undefined && command.residentPeakBytes !== undefined ? `${bytesText(command.residentPeakBytes)} (largest process)` : optionalBytes(command.memoryPeakBytes)),
        plain(command.processesPeak),
      ]),
      ...(commandsMore === 0 ? {} : { more: `… and ${plural(commandsMore, 'command')} more` }),
    },
    notesBlock(limits.map(({ limit, facts }) => toned('bad', `The limit on ${limit} took effect: ${facts}`))),
    {
      kind: 'table',
      caption: 'What the commands wrote',
      columns: [{ title: 'Stream', least: 6 }, { title: 'Written', least: 8, right: true }, { title: 'Kept', least: 8, right: true }, { title: 'SHA-256', least: 20, code: true }],
      rows: output.map(({ name, bytes, keptBytes, digest, truncated }) => [plain(name), plain(optionalBytes(bytes)), truncated ? toned('warn', `the first ${optionalBytes(keptBytes)}`) : plain(optionalBytes(keptBytes)), plain(digest)]),
    },
  ]);
}

const END_TONES: Readonly<Record<NonNullable<SecretLife['end']>, Tone>> = { revoked: 'good', expired: 'good', 'revocation-failed': 'bad' };

function stepsText(steps: readonly LeaseStep[], more: number): string {
  const parts: string[] = [];
  let last = '';
  let count = 0;
  const flush = (): void => {
    if (last !== '') parts.push(count === 1 ? last : `${last} × ${count}`);
  };
  for (const { state, reason } of steps) {
    const step = reason === undefined ? state : `${state} (${reason})`;
    if (step === last) count += 1;
    else {
      flush();
      last = step;
      count = 1;
    }
  }
  flush();
  return `${parts.join(' → ')}${more === 0 ? '' : `, and ${more} more steps`}`;
}

export function secretsSection({ secrets, run }: RunReport): Section[] {
  return sectionOf('secrets', 'Lives of secrets', [
    {
      kind: 'table',
      caption: 'Each lease from its issue to its end; no value is in the evidence, nor here',
      columns: [{ title: 'Secret', least: 10, code: true }, { title: 'From', least: 6 }, { title: 'Life', least: 20 }, { title: 'Used', least: 5, right: true }, { title: 'End', least: 9 }],
      rows: secrets.map(({ ref, broker, steps, more, uses, end }) => [plain(ref), plain(broker), plain(stepsText(steps, more)), plain(`${uses}×`), end === undefined ? toned('warn', run.state === 'running' ? 'not yet' : 'not on the record') : toned(END_TONES[end], end)]),
    },
  ]);
}

export function policySection({ decisions, standing }: RunReport): Section[] {
  return sectionOf(
    'policy',
    'Policy decisions',
    decisions.flatMap(({ seq, by, verdict, applied, packDigest, packFileHash, caller, violations }) => [
      factsBlock([
        ['Decided by', by],
        ['Verdict', verdict, verdict === 'admitted' ? 'good' : verdict === 'refused' ? 'bad' : 'warn'],
        ['Scope', applied === false ? 'the pack is for another placement: no pack applied' : undefined, 'warn'],
        ['Asked by', caller],
        ['Pack digest', packDigest, 'code'],
        ['Pack file', packFileHash, 'code'],
        ['Record', `${seq}${packDigest !== undefined && standing.kind === 'proven' ? ', decided again by the audit from its own inputs: the same' : ''}`],
      ]),
      { kind: 'table' as const, caption: 'Rules that were broken', columns: [{ title: 'Rule', least: 16, code: true }, { title: 'Where, or why', least: 20 }], rows: violations.map(({ rule, where }) => [toned('bad', rule), plain(where)]) },
    ]),
  );
}

export function workspaceSection({ workspace }: RunReport): Section[] {
  if (workspace === undefined) return [];
  const { source, added, modified, deleted, changes, more, listFits, applied } = workspace;
  const word: Readonly<Record<string, string>> = { A: 'added', M: 'modified', D: 'deleted', '!': 'cannot be applied', '?': 'changed' };
  const became = applied === undefined ? 'kept in an overlay: the folder is as it was' : applied.done ? 'brought into the folder' : `not brought into the folder${applied.reason === undefined ? '' : `: ${applied.reason}`}`;
  return sectionOf('workspace', 'Workspace', [
    factsBlock([
      ['Folder', source, 'code'],
      ['Changes', `${added} added, ${modified} modified, ${deleted} deleted`],
      ['Became', became],
      ['List', listFits === false ? 'workspace.json is not the list that the record names: only what the record itself tells is shown' : undefined, 'bad'],
    ]),
    {
      kind: 'table',
      caption: 'What the command left otherwise; whoever applies it looks at it before',
      columns: [{ title: 'Change', least: 8 }, { title: 'Path', least: 20, code: true }],
      rows: changes.map(({ kind, path }) => [toned(kind === '!' ? 'bad' : undefined, word[kind] ?? kind), plain(path)]),
      ...(more === 0 ? {} : { more: `… and ${plural(more, 'change')} more: cellos diff lists them` }),
    },
  ]);
}

export function artifactsSection({ exports }: RunReport): Section[] {
  return sectionOf('artifacts', 'Artifacts', [
    {
      kind: 'table',
      caption: 'Files that were copied out of the cell, by their digest',
      columns: [{ title: 'Artifact', least: 10, code: true }, { title: 'Path in the cell', least: 12, code: true }, { title: 'Delivered to', least: 14, code: true }, { title: 'Size', least: 8, right: true }, { title: 'SHA-256', least: 20, code: true }],
      rows: exports.map(({ name, path, destination, bytes, sha256, failed }) => [plain(name), plain(path), failed === undefined ? plain(destination) : toned('bad', `failed: ${visible(failed)}`), plain(optionalBytes(bytes)), plain(sha256)]),
    },
  ]);
}
