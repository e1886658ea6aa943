/**
 * The report of one run as a value: what people, pages and programs are told about it. Pure; the renderers choose the words.
 *
 *   RR1  nothing here is verified by making it: the verdict of an audit is handed in, and each entry says whether it covers it;
 *   RR2  whatever a cell or a document chose stays a plain text: it is never read as markup, as a command, or as a reason to leave something out;
 *   RR3  no value of a secret is in a record, so there is none here.
 */
import { compactText } from '../../../base/canonical-json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import { askedAndEnforced } from './asked-enforced.ts';
import { authorityUses } from './authority-use.ts';
import { attestationKeyOf, bundleKeysOf } from './bundle-keys.ts';
import { decisionsOf } from './decisions.ts';
import { defined, numberOf, objectOf, objectsOf, textOf, textsOf } from './read-data.ts';
import type { AboutRun, CertificateLine, ReportExport, RunReport, Standing } from './report-model.ts';
import { RunFacts } from './run-facts.ts';
import { commandsOf, lanesOf, sinceStart } from './run-times.ts';
import { workspaceReport } from './workspace-report.ts';

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
