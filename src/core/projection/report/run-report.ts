/**
 * The report of one run as a value: what people, pages and programs are told about it. Pure; the renderers choose the words.
 *
 *   RR1  nothing here is verified by making it: the verdict of an audit is handed in, and each entry says whether it covers it;
 *   RR2  whatever a cell or a document chose stays a plain text: it is never read as markup, as a command, or as a reason to leave something out;
 *   RR3  no value of a secret is in a record, so there is none here.
 */
import type { Bytes } from '../../../base/bytes.ts';
import { compactText } from '../../../base/canonical-json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { AuditReport } from '../../evidence/audit.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import { askedAndEnforced, type ReportItem } from './asked-enforced.ts';
import { type AuthorityUse, authorityUses } from './authority-use.ts';
import { attestationKeyOf, type BundleKeys, bundleKeysOf } from './bundle-keys.ts';
import { decisionsOf, type ReportDecision } from './decisions.ts';
import { defined, numberOf, objectOf, objectsOf, textOf, textsOf } from './read-data.ts';
import { RunFacts, type SignerCount } from './run-facts.ts';
import { type CommandRun, commandsOf, type Lanes, lanesOf, sinceStart } from './run-times.ts';
import type { SecretLife } from './secret-lives.ts';
import { type WorkspaceReport, workspaceReport } from './workspace-report.ts';

/** What is known of a run beside its records. */
export interface AboutRun {
  readonly runId: string;
  readonly state: 'running' | 'sealed' | 'unsealed' | 'missing';
  /** Where the bundle is. */
  readonly where: string;
  /** undefined: it was not audited, as a run that is going on. */
  readonly audit?: AuditReport;
  readonly root?: { readonly kid: string; readonly from: string };
  /** Files of the bundle, as far as they are there. */
  readonly files: { readonly keyset?: Bytes; readonly attestation?: Bytes; readonly workspace?: Bytes };
}

/** How far the audit stands behind what is shown: all of it, each event but not their order and end, the records before a number, or nothing. */
export type Standing = { readonly kind: 'proven' | 'authentic' | 'unproven' | 'not-audited' } | { readonly kind: 'proven-before'; readonly seq: number };

export interface TimelineEntry {
  readonly record: ViewedRecord;
  /** Since the first record, wall clock, ms. */
  readonly sinceMs?: number;
  /** Does the audit stand behind it [RR1]? */
  readonly proven: boolean;
}

export interface CertificateLine {
  readonly probe: string;
  readonly result: 'clean' | 'residue' | 'unchecked' | 'unknown';
  readonly detail: string;
}

export interface ReportExport {
  readonly name: string;
  readonly path?: string;
  readonly destination?: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly failed?: string;
}

export interface RunReport {
  readonly v: 1;
  readonly run: {
    readonly id: string;
    readonly state: AboutRun['state'];
    readonly where: string;
    readonly specId?: string;
    readonly tenant?: string;
    readonly caller?: string;
    readonly argv: readonly string[];
    readonly startedAt?: string;
    readonly endedAt?: string;
    /** From the first to the last record, wall clock. */
    readonly wallMs?: number;
    readonly outcome?: string;
    readonly exitCode?: number;
    readonly refused: readonly string[];
    readonly specHash?: string;
    readonly canonicalSpecHash?: string;
    readonly planDigest?: string;
    readonly backend?: string;
    readonly cellosVersion?: string;
    readonly hostKernel?: string;
    readonly hostArch?: string;
    readonly bootId?: string;
  };
  readonly audit?: AuditReport;
  readonly standing: Standing;
  readonly items: readonly ReportItem[];
  readonly authority: readonly AuthorityUse[];
  readonly commands: readonly CommandRun[];
  /** Commands beyond those kept. */
  readonly commandsMore: number;
  readonly limits: readonly { readonly limit: string; readonly facts: string }[];
  readonly lanes: Lanes;
  readonly timeline: { readonly entries: readonly TimelineEntry[]; readonly more: number; /** How far the clock went back between two records, ms. */ readonly clockBackMs: number };
  readonly secrets: readonly SecretLife[];
  readonly decisions: readonly ReportDecision[];
  readonly workspace?: WorkspaceReport;
  readonly exports: readonly ReportExport[];
  readonly output: readonly { readonly name: string; readonly bytes?: number; readonly keptBytes?: number; readonly digest?: string; readonly truncated: boolean }[];
  readonly certificate?: { readonly lines: readonly CertificateLine[]; readonly residue: number; readonly unchecked: number };
  /** What this start removed of runs whose supervisor was killed. */
  readonly swept: readonly string[];
  readonly gaps: {
    /** Numbers of records whose event is withheld. */
    readonly withheld: readonly number[];
    readonly withheldMore: number;
    /** What the seal declares. */
    readonly declared?: number;
    /** Lines that are no record. */
    readonly unreadable: number;
    readonly sealed: boolean;
    readonly attested: boolean;
    /** Members of events that were blanked before they were signed. */
    readonly redacted: readonly string[];
  };
  readonly keys: BundleKeys & { readonly root?: { readonly kid: string; readonly from: string }; readonly signers: readonly SignerCount[]; readonly attestationKid?: string };
}

function standingOf({ audit }: AboutRun): Standing {
  if (audit === undefined) return { kind: 'not-audited' };
  if (audit.exitCode === 0) return { kind: 'proven' };
  const bad = audit.firstBadRecord;
  if (audit.verdict === 'tampered' && bad !== undefined) return { kind: 'proven-before', seq: bad.seq };
  return { kind: audit.verdict === 'incomplete-tail' || audit.verdict === 'authentic-unordered' || audit.verdict === 'stale-trust' ? 'authentic' : 'unproven' };
}

function isProven(standing: Standing, seq: number): boolean {
  return standing.kind === 'proven' || standing.kind === 'authentic' || (standing.kind === 'proven-before' && seq < standing.seq);
}

function runOf(facts: RunFacts, about: AboutRun): RunReport['run'] {
  const genesis = facts.data('genesis');
  const plan = facts.first('planEffective') ?? facts.first('planRefused') ?? facts.first('admissionRefused');
  const sealed = facts.last('sealed');
  const startedAt = facts.first('genesis')?.time;
  const wallMs = sinceStart(facts)(sealed?.time);
  const refused = facts.first('planRefused') === undefined ? objectsOf(facts.data('admissionRefused')['violations']).map((violation) => textOf(violation['message']) ?? '?') : textsOf(facts.data('planRefused')['missing']).map((name) => `${name} cannot be enforced or provided on this host`);
  const argv = textsOf(plan?.data['argv']);
  const correlation = objectOf(facts.data('started')['correlation']);
  return {
    id: about.runId,
    state: about.state,
    where: about.where,
    argv: argv.length > 0 ? argv : textsOf(facts.data('commandCompleted')['argv']),
    refused,
    ...defined({
      specId: textOf(genesis['specId']),
      tenant: textOf(correlation['tenantId']) ?? textOf(facts.data('started')['tenantId']),
      caller: textOf(objectOf(objectOf(facts.data('policyDecided')['decision'])['input'])['caller']),
      startedAt,
      endedAt: sealed?.time,
      wallMs,
      outcome: textOf(sealed?.data['outcome']),
      exitCode: numberOf(sealed?.data['exitCode']),
      specHash: textOf(genesis['specHash']),
      canonicalSpecHash: textOf(genesis['canonicalSpecHash']),
      planDigest: textOf(genesis['planDigest']),
      backend: textOf(facts.data('planEffective')['backend']),
      cellosVersion: textOf(genesis['cellosVersion']),
      hostKernel: textOf(genesis['hostKernel']),
      hostArch: textOf(genesis['hostArch']),
      bootId: textOf(genesis['bootId']),
    }),
  };
}

function certificateOf(facts: RunFacts): RunReport['certificate'] {
  const data = facts.first('teardownCertificate')?.data;
  if (data === undefined) return undefined;
  const lines = objectsOf(data['lines']).map(
    (line): CertificateLine => ({ probe: textOf(line['probe']) ?? '?', result: (['clean', 'residue', 'unchecked'] as const).find((one) => one === line['result']) ?? 'unknown', detail: textOf(line['detail']) ?? '' }),
  );
  return { lines, residue: numberOf(data['residue']) ?? 0, unchecked: numberOf(data['unchecked']) ?? 0 };
}

function exportsOf(facts: RunFacts): ReportExport[] {
  const paths = new Map(facts.all('fsTouch').map(({ data }) => [textOf(data['artifactName']) ?? '?', textOf(data['sourcePath'])]));
  const exported = [...facts.all('exportCompleted'), ...facts.all('exportFailed')].sort((a, b) => a.seq - b.seq);
  return exported.map(({ data }) => {
    const name = textOf(data['artifactName']) ?? '?';
    const receipt = objectOf(data['receipt']);
    return { name, ...defined({ path: paths.get(name), destination: textOf(receipt['destination']), bytes: numberOf(receipt['bytesWritten']), sha256: textOf(data['sha256']), failed: textOf(data['reason']) }) };
  });
}

const REPEATED: ReadonlySet<string> = new Set(['runId', 'cellId', 'specId', 'limit', 'reason']);

function limitOf(data: JsonObject): { limit: string; facts: string } {
  const members = Object.entries(data).filter(([key]) => !REPEATED.has(key)).map(([key, value]) => `${key} ${typeof value === 'string' ? value : compactText(value)}`);
  return { limit: textOf(data['limit']) ?? '?', facts: [textOf(data['reason']), ...members].filter((part) => part !== undefined).join(', ') };
}

/** Takes the records of one run in order, then says all that is known of it. */
export class RunReporter {
  readonly #facts: RunFacts;

  /** @param timelineMax events of the timeline; the rest is counted */
  constructor(timelineMax: number) {
    this.#facts = new RunFacts(timelineMax);
  }

  /** @param record undefined: a line that is no record */
  apply(record: ViewedRecord | undefined): void {
    this.#facts.apply(record);
  }

  report(about: AboutRun): RunReport {
    const facts = this.#facts;
    const standing = standingOf(about);
    const commands = commandsOf(facts);
    const items = askedAndEnforced(facts, commands);
    const since = sinceStart(facts);
    const workspace = workspaceReport(facts, about.files.workspace);
    const certificate = certificateOf(facts);
    const { withheld, timeline } = facts;
    return {
      v: 1,
      run: runOf(facts, about),
      ...(about.audit === undefined ? {} : { audit: about.audit }),
      standing,
      items,
      authority: authorityUses({ facts, items, commands }),
      commands,
      commandsMore: facts.more('processExited'),
      limits: facts.all('limitReached').map(({ data }) => limitOf(data)),
      lanes: lanesOf(facts),
      timeline: { entries: timeline.items.map((record) => ({ record, ...defined({ sinceMs: since(record.time) }), proven: isProven(standing, record.seq) })), more: timeline.more, clockBackMs: facts.clockBackMs },
      secrets: facts.secrets.list.filter(({ ref, leaseId }) => ref !== '(unknown)' || leaseId !== ''),
      decisions: decisionsOf(facts),
      ...(workspace === undefined ? {} : { workspace }),
      exports: exportsOf(facts),
      output: facts.all('outputCaptured').flatMap(({ data }) => objectsOf(data['streams']).map((stream) => ({ name: textOf(stream['name']) ?? '?', truncated: stream['truncated'] === true, ...defined({ bytes: numberOf(stream['bytes']), keptBytes: numberOf(stream['keptBytes']), digest: textOf(stream['digest']) }) }))),
      ...(certificate === undefined ? {} : { certificate }),
      swept: facts.all('recoverySwept').flatMap(({ data }) => objectsOf(data['runs']).map((run) => `${textOf(run['runId']) ?? '?'}: ${textOf(run['state']) ?? '?'}${textsOf(run['residue']).length > 0 ? ', with residue' : ''}`)),
      gaps: {
        withheld: withheld.items,
        withheldMore: withheld.more,
        ...defined({ declared: numberOf(facts.last('sealed')?.data['gaps']) }),
        unreadable: facts.unreadable,
        sealed: facts.last('sealed') !== undefined,
        attested: about.files.attestation !== undefined,
        redacted: textsOf(facts.data('genesis')['redacted']),
      },
      keys: { ...bundleKeysOf(about.files.keyset), ...(about.root === undefined ? {} : { root: about.root }), signers: [...facts.signers.values()], ...defined({ attestationKid: attestationKeyOf(about.files.attestation) }) },
    };
  }
}
