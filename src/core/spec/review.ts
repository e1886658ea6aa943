/**
 * The second pass (reference/01 §3.5): what the reference leaves unchecked and a careful reader would not accept. Errors in strict mode,
 * warnings in compatible mode; the pinned rules of `validate.ts` never depend on it.
 *
 * LIMIT: a policy reference is compared with the loaded pack where packs are decided; a time to live of 0 is refused where a run is admitted.
 */
import { utf8Length } from '../../base/bytes.ts';
import { JsonFloat, type JsonValue } from '../../base/json.ts';
import type { PathSegment } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import { parseUrl } from '../../base/url.ts';
import { isAddressAndPort, isIpOrBlock, isIpv4 } from '../egress/address.ts';
import { isHostnamePattern } from '../egress/names.ts';
import type { DnsAuthority, DnsResolver, ExecutionCellDocument, Ingress } from './document.ts';
import { quoted } from './issues.ts';
import { isSha256Digest } from './predicates.ts';
import type { Report, RuleGroup } from './rule-set.ts';

const GRACE_SECONDS_MAX = 120;
const LABEL_COUNT_MAX = 64;
const LABEL_BYTES_MAX = 256;
/** Digits up to which every reader agrees on a double (reference/01 §1.2). */
const FLOAT_DIGITS_MAX = 15;

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'http', 'https', 'tls', 'dns', 'dns-acknowledged']);
const GIT_SCHEMES: ReadonlySet<string> = new Set(['https:', 'http:', 'ssh:', 'git:']);

function checkSizes({ spec }: ExecutionCellDocument, report: Report): void {
  const dns = spec.authority.dnsAuthority;
  const lists: [readonly PathSegment[], readonly unknown[] | undefined][] = [
    [['run', 'argv'], spec.run?.argv],
    [['authority', 'egressRules'], spec.authority.egressRules],
    [['authority', 'secretRefs'], spec.authority.secretRefs],
    [['authority', 'authorityDerivation', 'derivationSteps'], spec.authority.authorityDerivation?.derivationSteps],
    [['authority', 'authorityDerivation', 'leafCapability', 'egressRules'], spec.authority.authorityDerivation?.leafCapability.egressRules],
    [['authority', 'authorityDerivation', 'leafCapability', 'secretRefs'], spec.authority.authorityDerivation?.leafCapability.secretRefs],
    [['authority', 'dnsAuthority', 'resolvers'], dns?.resolvers],
    [['authority', 'dnsAuthority', 'hostnameAllowlist'], dns?.hostnameAllowlist],
    [['authority', 'dnsAuthority', 'rebindingPolicy', 'responseIpAllowlist'], dns?.rebindingPolicy?.responseIpAllowlist],
    [['authority', 'cdnAuthority', 'providers'], spec.authority.cdnAuthority?.providers],
    [['export', 'artifacts'], spec.export?.artifacts],
    [['export', 'targets'], spec.export?.targets],
    [['telemetry', 'events'], spec.telemetry?.events],
  ];
  for (const [path, values] of lists) {
    const length = values?.length ?? 0;
    report.unless(length <= LIMITS.specListLengthMax)?.add('review.list-size', ['spec', ...path], `has ${length} members; at most ${LIMITS.specListLengthMax} make sense`);
  }
}

function checkLabels({ spec }: ExecutionCellDocument, report: Report): void {
  const path = ['spec', 'correlation', 'labels'];
  const labels = Object.entries(spec.correlation?.labels ?? {});
  report.unless(labels.length <= LABEL_COUNT_MAX)?.add('review.labels', path, `has ${labels.length} labels; at most ${LABEL_COUNT_MAX} are carried`);
  for (const [key, value] of labels) {
    report.unless(utf8Length(key) <= LABEL_BYTES_MAX && utf8Length(value) <= LABEL_BYTES_MAX)?.add('review.labels', [...path, key], `has to be at most ${LABEL_BYTES_MAX} bytes, key and value each`);
  }
}

function checkIdentity({ spec }: ExecutionCellDocument, report: Report): void {
  if (spec.identity?.kind !== 'federatedOidc') return;
  for (const key of ['provider', 'audience'] as const) report.unless(spec.identity[key] !== '')?.add('review.identity.empty', ['spec', 'identity', key], 'has to be non-empty for the kind federatedOidc');
}

/** `user@host:path`, as git itself takes it, or a URL of a scheme that names a remote. */
function isGitUrl(text: string): boolean {
  const url = parseUrl(text);
  return url === undefined ? /^[\w.-]+@[A-Za-z0-9.-]+:[^\s]+$/.test(text) : GIT_SCHEMES.has(url.protocol);
}

function checkIngressSources({ git, ociImage }: Ingress, report: Report): void {
  report.unless(git?.url === undefined || isGitUrl(git.url))?.add('review.ingress.url', ['spec', 'ingress', 'git', 'url'], 'has to be an https, http, ssh or git URL, or user@host:path');
  if (ociImage === undefined) return;
  const path = ['spec', 'ingress', 'ociImage'];
  report.unless(ociImage.reference !== '' && !/[\p{White_Space}\0]/u.test(ociImage.reference))?.add('review.ingress.reference', [...path, 'reference'], 'has to be non-empty, without white space');
  report.unless(ociImage.digest === undefined || isSha256Digest(ociImage.digest))?.add('review.ingress.digest', [...path, 'digest'], 'has to be sha256: and 64 lowercase hex digits');
}

function checkIngress({ spec }: ExecutionCellDocument, report: Report): void {
  if (spec.ingress === undefined) return;
  checkIngressSources(spec.ingress, report);
  const refs = new Set(spec.authority.secretRefs);
  for (const key of ['git', 'ociImage'] as const) {
    const ref = spec.ingress[key]?.secretRef;
    report.unless(ref === undefined || refs.has(ref))?.add('review.ingress.secret-ref', ['spec', 'ingress', key, 'secretRef'], `names ${quoted(ref ?? '')}, which spec.authority.secretRefs does not list`);
  }
}

function checkRun({ spec }: ExecutionCellDocument, report: Report): void {
  const grace = spec.run?.limits?.gracefulShutdownSeconds;
  report.unless(grace === undefined || (grace >= 1 && grace <= GRACE_SECONDS_MAX))?.add('review.grace', ['spec', 'run', 'limits', 'gracefulShutdownSeconds'], `has to be from 1 to ${GRACE_SECONDS_MAX}`);
  report.unless(spec.run?.workingDirectory?.includes('\0') !== true)?.add('review.working-directory', ['spec', 'run', 'workingDirectory'], 'holds a NUL character');
}

function checkEgress({ spec }: ExecutionCellDocument, report: Report): void {
  for (const [i, { host, port, protocol }] of (spec.authority.egressRules ?? []).entries()) {
    const path = ['spec', 'authority', 'egressRules', i];
    report.unless(port !== 0)?.add('review.egress.port', [...path, 'port'], 'has to be from 1 to 65535');
    report.unless(/^[A-Za-z0-9._:*[\]-]*$/.test(host))?.add('review.egress.host', [...path, 'host'], `${quoted(host)} is neither a host name in ASCII (write others in their xn-- form) nor an address`);
    report.unless(protocol === undefined || PROTOCOLS.has(protocol.toLowerCase()))?.add('review.egress.protocol', [...path, 'protocol'], `has to be one of ${[...PROTOCOLS].join(', ')}, not ${quoted(protocol ?? '')}`);
  }
}

/** do53 and dot take `address:port`, doh an https URL, doq either a host name or an address, with a port. */
function isEndpoint({ protocol, endpoint }: DnsResolver): boolean {
  if (protocol === 'doh') return parseUrl(endpoint)?.protocol === 'https:';
  if (isAddressAndPort(endpoint)) return true;
  const [, host = '', port = ''] = /^([^:]+):(\d{1,5})$/.exec(endpoint) ?? [];
  return (protocol === 'doq' || protocol === 'dot') && isHostnamePattern(host) && !host.startsWith('*') && Number(port) >= 1 && Number(port) <= 65535;
}

function checkRebinding(dns: DnsAuthority, report: Report): void {
  for (const [i, entry] of (dns.rebindingPolicy?.responseIpAllowlist ?? []).entries()) {
    const colon = entry.indexOf(':');
    report.unless(colon > 0 && isIpOrBlock(entry.slice(colon + 1)))?.add('review.dns.rebinding', ['spec', 'authority', 'dnsAuthority', 'rebindingPolicy', 'responseIpAllowlist', i], `${quoted(entry)} has to be hostname:address or hostname:address/prefix`);
  }
}

function checkDns({ spec }: ExecutionCellDocument, report: Report): void {
  const dns = spec.authority.dnsAuthority;
  if (dns === undefined) return;
  for (const [i, resolver] of dns.resolvers.entries()) {
    const path = ['spec', 'authority', 'dnsAuthority', 'resolvers', i];
    report.unless(resolver.endpoint === '' || isEndpoint(resolver))?.add('review.dns.endpoint', [...path, 'endpoint'], `${quoted(resolver.endpoint)} has to be ${resolver.protocol === 'doh' ? 'an https URL' : 'address:port, an IPv6 address in brackets'}`);
    const anchors = resolver.dnssec?.trustAnchorsPath;
    report.unless(anchors === undefined || /^\/[^\0]+$/.test(anchors))?.add('review.dns.trust-anchors', [...path, 'dnssec', 'trustAnchorsPath'], 'has to be an absolute path');
  }
  checkRebinding(dns, report);
}

/** S3 general purpose bucket naming rules. */
function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !isIpv4(name);
}

function checkTargets({ spec }: ExecutionCellDocument, report: Report): void {
  const hasEgress = (spec.authority.egressRules ?? []).length > 0;
  for (const [i, target] of (spec.export?.targets ?? []).entries()) {
    const path = ['spec', 'export', 'targets', i];
    if (target.kind === 's3') {
      report.unless(isBucketName(target.bucket))?.add('review.target.bucket', [...path, 'bucket'], 'has to be 3 to 63 lowercase letters, digits, dots and dashes, with a letter or digit at both ends');
      continue;
    }
    report.unless(hasEgress)?.add('review.target.egress', [...path, 'baseUrl'], 'leads to a host, and spec.authority.egressRules allows none');
    const url = parseUrl(target.baseUrl);
    report.unless(url === undefined || (url.username === '' && url.password === ''))?.add('review.target.user-info', [...path, 'baseUrl'], 'carries a user name or password, which would be logged: use secretRef');
  }
}

function checkArtifacts({ spec }: ExecutionCellDocument, report: Report): void {
  const seen = new Set<string>();
  for (const [i, { name, path }] of (spec.export?.artifacts ?? []).entries()) {
    const at = ['spec', 'export', 'artifacts', i];
    report.unless(!seen.has(name))?.add('review.artifact.duplicate', [...at, 'name'], `${quoted(name)} names another artifact already`);
    seen.add(name);
    report.unless(path !== '' && !path.includes('\0'))?.add('review.artifact.path', [...at, 'path'], 'has to be non-empty, without a NUL character');
  }
}

export const REVIEW_RULES: readonly RuleGroup[] = [
  { reads: ['run', 'authority', 'export', 'telemetry'], check: checkSizes },
  { reads: ['correlation'], check: checkLabels },
  { reads: ['ingress', 'authority'], check: checkIngress },
  { reads: ['identity'], check: checkIdentity },
  { reads: ['run'], check: checkRun },
  { reads: ['authority'], check: checkEgress },
  { reads: ['authority'], check: checkDns },
  { reads: ['export', 'authority'], check: checkTargets },
  { reads: ['export'], check: checkArtifacts },
];

function longFloat(value: JsonValue, path: readonly PathSegment[]): readonly PathSegment[] | undefined {
  if (value instanceof JsonFloat) {
    const mantissa = (value.token ?? '').replace(/[eE].*$/, '').replace(/^-?[0.]*/, '').replace('.', '');
    return mantissa.length > FLOAT_DIGITS_MAX ? path : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const isList = Array.isArray(value);
  for (const [key, inner] of Object.entries(value as Readonly<Record<string, JsonValue>>)) {
    const found = longFloat(inner, isList ? [...path, Number(key)] : [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A warning in both modes: a float with so many digits may be read as another double elsewhere, and then the spec hash differs. */
export const FLOAT_RULE: RuleGroup = {
  reads: ['authority'],
  check: ({ spec }, report) => {
    for (const key of ['filesystem', 'network'] as const) {
      const found = longFloat(spec.authority[key] ?? null, ['spec', 'authority', key]);
      if (found !== undefined) report.add('review.float-digits', found, `has more than ${FLOAT_DIGITS_MAX} digits: other programs may read another number, and get another spec hash; write it as a text`);
    }
  },
};
