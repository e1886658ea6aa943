/** The report of one run: its types. `run-report.ts` makes it, and has the rules. */
import type { Bytes } from '../../../base/bytes.ts';
import type { AuditReport } from '../../evidence/audit-report.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import type { ReportItem } from './asked-enforced.ts';
import type { AuthorityUse } from './authority-use.ts';
import type { BundleKeys } from './bundle-keys.ts';
import type { ReportDecision } from './decisions.ts';
import type { SignerCount } from './run-facts.ts';
import type { CommandRun, Lanes } from './run-times.ts';
import type { SecretLife } from './secret-lives.ts';
import type { WorkspaceReport } from './workspace-report.ts';

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
