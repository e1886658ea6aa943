/**
 * The rules of `validate_execution_cell_document` in the reference's order (reference/01 §3.2, rows 1–11, 14, 17), all of them checked. Where
 * the reference stops at its first, ours reports that one first.
 */
import { utf8Length } from '../../base/bytes.ts';
import { compactText } from '../../base/canonical-json.ts';
import { exceeds } from '../authority/capability.ts';
import type { ExecutionCellDocument, RunLimits, RunSpec, U64 } from './document.ts';
import { quoted } from './issues.ts';
import { hasRuleSyntax, isKubernetesNamespace, isSemverShape, isSha256Digest, natsReserved, trimWhiteSpace } from './predicates.ts';
import type { Report, RuleGroup } from './rule-set.ts';
import { CDN_RULES, DNS_RULES } from './validate-dns.ts';
import { ARTIFACT_RULES, TARGET_RULES } from './validate-export.ts';

const U64_MAX = 2n ** 64n - 1n;
/** Bytes of base64 that fit a kernel command line. */
const ARGV_BASE64_MAX = 3072;

function checkTenant({ spec }: ExecutionCellDocument, report: Report): void {
  const tenant = spec.correlation?.tenantId;
  if (tenant === undefined) return;
  const path = ['spec', 'correlation', 'tenantId'];
  report.unless(tenant !== '')?.add('tenant.empty', path, 'has to be non-empty when it is there');
  const reserved = natsReserved(tenant);
  if (reserved !== undefined) report.add('tenant.reserved', path, `holds ${quoted(reserved)}, which a message subject reserves`);
}

function checkSecretRefs({ spec }: ExecutionCellDocument, report: Report): void {
  const seen = new Set<string>();
  for (const [i, ref] of (spec.authority.secretRefs ?? []).entries()) {
    if (!seen.has(ref)) report.portable(ref, 'secret-ref.portable', ['spec', 'authority', 'secretRefs', i]);
    seen.add(ref);
  }
}

function checkIdentity({ spec }: ExecutionCellDocument, report: Report): void {
  const { identity } = spec;
  if (identity === undefined) return;
  const at = (key: string): string[] => ['spec', 'identity', key];
  report.portable(identity.secretRef, 'identity.secret-ref.portable', at('secretRef'));
  if (typeof identity.kind === 'object') {
    const kind = Object.keys(identity.kind)[0] ?? '';
    for (const key of ['provider', 'audience', 'subject'] as const) {
      report.unless((identity[key] ?? '') === '')?.add('identity.irrelevant-field', at(key), `has to be empty for the kind ${kind}`);
    }
  }
  report.unless(identity.ttlSeconds === undefined || identity.ttlSeconds <= spec.lifetime.ttlSeconds)?.add('identity.ttl', at('ttlSeconds'), `has to be at most spec.lifetime.ttlSeconds, ${spec.lifetime.ttlSeconds}`);
  report.unless(new Set(spec.authority.secretRefs).has(identity.secretRef))?.add('identity.secret-ref.undeclared', at('secretRef'), `names ${quoted(identity.secretRef)}, which spec.authority.secretRefs does not list`);
}

function checkEnvironment({ spec }: ExecutionCellDocument, report: Report): void {
  const { environment } = spec;
  if (environment === undefined) return;
  report.unless(environment.imageReference !== '')?.add('environment.image', ['spec', 'environment', 'imageReference'], 'has to be non-empty');
  report.unless(environment.imageDigest === undefined || isSha256Digest(environment.imageDigest))?.add('environment.digest', ['spec', 'environment', 'imageDigest'], 'has to be sha256: and 64 lowercase hex digits');
  report.portable(environment.templateId, 'environment.template', ['spec', 'environment', 'templateId']);
}

function checkPlacement({ spec }: ExecutionCellDocument, report: Report): void {
  const { placement } = spec;
  if (placement === undefined) return;
  const { poolId, kubernetesNamespace, queueName } = placement;
  report.unless(poolId !== undefined || kubernetesNamespace !== undefined || queueName !== undefined)?.add('placement.empty', ['spec', 'placement'], 'has to hold poolId, kubernetesNamespace or queueName; else leave it out');
  report.portable(poolId, 'placement.pool', ['spec', 'placement', 'poolId']);
  report.unless(kubernetesNamespace === undefined || isKubernetesNamespace(kubernetesNamespace))?.add('placement.namespace', ['spec', 'placement', 'kubernetesNamespace'], 'has to be 1 to 63 lowercase letters, digits and dashes, with no dash at either end');
  report.portable(queueName, 'placement.queue', ['spec', 'placement', 'queueName']);
}

function checkIngress({ spec }: ExecutionCellDocument, report: Report): void {
  report.portable(spec.ingress?.git?.secretRef, 'ingress.git.secret-ref', ['spec', 'ingress', 'git', 'secretRef']);
  report.portable(spec.ingress?.ociImage?.secretRef, 'ingress.image.secret-ref', ['spec', 'ingress', 'ociImage', 'secretRef']);
}

function checkArgv({ argv }: RunSpec, report: Report): void {
  const path = ['spec', 'run', 'argv'];
  report.unless(argv.length > 0)?.add('run.argv.empty', path, 'has to name a program');
  for (const [i, word] of argv.entries()) report.unless(word !== '')?.add('run.argv.empty', [...path, i], 'has to be non-empty');
  for (const [i, word] of argv.entries()) report.unless(!word.includes('\0'))?.add('run.argv.nul', [...path, i], 'holds a NUL character, at which a program would cut it off');
  const size = 4 * Math.ceil(utf8Length(compactText(argv)) / 3);
  report.unless(size <= ARGV_BASE64_MAX)?.add('run.argv.size', path, `takes ${size} bytes as base64 of its JSON; at most ${ARGV_BASE64_MAX} fit a kernel command line: put the script into a file`);
}

function checkLimits(limits: RunLimits, report: Report): void {
  const positive = (value: U64 | undefined): boolean => value === undefined || value > 0;
  const path = ['spec', 'run', 'limits'];
  report.unless(positive(limits.memoryMaxBytes))?.add('run.memory', [...path, 'memoryMaxBytes'], 'has to be more than 0');
  report.unless(positive(limits.cpuMax?.quotaMicros))?.add('run.cpu.quota', [...path, 'cpuMax', 'quotaMicros'], 'has to be more than 0');
  report.unless(positive(limits.cpuMax?.periodMicros))?.add('run.cpu.period', [...path, 'cpuMax', 'periodMicros'], 'has to be more than 0');
}

function checkRun({ spec }: ExecutionCellDocument, report: Report): void {
  const { run } = spec;
  if (run === undefined) return;
  checkArgv(run, report);
  const ttlMs = BigInt(spec.lifetime.ttlSeconds) * 1000n;
  report.unless(run.timeoutMs === undefined || run.timeoutMs <= (ttlMs > U64_MAX ? U64_MAX : ttlMs))?.add('run.timeout', ['spec', 'run', 'timeoutMs'], `has to be at most spec.lifetime.ttlSeconds in milliseconds, ${ttlMs}`);
  if (run.limits !== undefined) checkLimits(run.limits, report);
}

function checkEgress({ spec }: ExecutionCellDocument, report: Report): void {
  for (const [i, { host, protocol }] of (spec.authority.egressRules ?? []).entries()) {
    const path = ['spec', 'authority', 'egressRules', i];
    report.unless(host !== '')?.add('egress.host.empty', [...path, 'host'], 'has to be non-empty');
    report.unless(!hasRuleSyntax(host))?.add('egress.host.characters', [...path, 'host'], `${quoted(host)} holds white space or one of ; { } " ' # \\`);
    report.unless(protocol === undefined || !hasRuleSyntax(protocol))?.add('egress.protocol.characters', [...path, 'protocol'], `${quoted(protocol ?? '')} holds white space or one of ; { } " ' # \\`);
  }
}

function checkDerivation({ spec }: ExecutionCellDocument, report: Report): void {
  const token = spec.authority.authorityDerivation;
  if (token === undefined) return;
  const beyond = exceeds(spec.authority, token.leafCapability);
  if (beyond === undefined) return;
  const half = beyond === 'egress' ? 'egressRules' : 'secretRefs';
  report.add('derivation.leaf', ['spec', 'authority', 'authorityDerivation', 'leafCapability', half], `holds what spec.authority.${half} does not`);
}

function checkTelemetry({ spec }: ExecutionCellDocument, report: Report): void {
  const { telemetry } = spec;
  if (telemetry === undefined) return;
  const path = ['spec', 'telemetry', 'events'];
  report.unless(telemetry.events.length > 0)?.add('telemetry.events', path, 'has to be non-empty');
  report.unless(isSemverShape(telemetry.agentVersion))?.add('telemetry.agent-version', ['spec', 'telemetry', 'agentVersion'], 'has to be MAJOR.MINOR.PATCH, with an optional -suffix');
  const hasEgress = (spec.authority.egressRules ?? []).length > 0;
  for (const [i, event] of telemetry.events.entries()) {
    const name = trimWhiteSpace(event);
    report.unless(name !== '')?.add('telemetry.event.empty', [...path, i], 'has to be non-empty');
    const isNetwork = name.slice(0, 4).toLowerCase() === 'net.';
    report.unless(!isNetwork || hasEgress)?.add('telemetry.event.egress', [...path, i], `${quoted(name)} observes a network that spec.authority.egressRules does not declare`);
  }
}

export const REFERENCE_RULES: readonly RuleGroup[] = [
  { reads: ['apiVersion'], check: ({ apiVersion }, report) => report.unless(apiVersion === 'cellos.io/v1')?.add('document.api-version', ['apiVersion'], `has to be cellos.io/v1, not ${quoted(apiVersion)}`) },
  { reads: ['kind'], check: ({ kind }, report) => report.unless(kind === 'ExecutionCell')?.add('document.kind', ['kind'], `has to be ExecutionCell, not ${quoted(kind)}`) },
  { reads: ['id'], check: ({ spec }, report) => report.portable(spec.id, 'id.portable', ['spec', 'id']) },
  { reads: ['correlation'], check: checkTenant },
  { reads: ['authority'], check: checkSecretRefs },
  { reads: ['identity', 'authority', 'lifetime'], check: checkIdentity },
  { reads: ['environment'], check: checkEnvironment },
  { reads: ['placement'], check: checkPlacement },
  { reads: ['ingress'], check: checkIngress },
  { reads: ['run', 'lifetime'], check: checkRun },
  { reads: ['authority'], check: checkEgress },
  DNS_RULES,
  CDN_RULES,
  { reads: ['authority'], check: checkDerivation },
  TARGET_RULES,
  ARTIFACT_RULES,
  { reads: ['telemetry', 'authority'], check: checkTelemetry },
];
