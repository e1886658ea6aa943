/** Export rules (reference/01 §3.2, rows 15 and 16). */
import type { PathSegment } from '../../base/json-path.ts';
import { parseUrl } from '../../base/url.ts';
import { asciiLower } from '../egress/names.ts';
import type { EgressRule, ExportTarget } from './document.ts';
import { quoted } from './issues.ts';
import type { Report, RuleGroup } from './rule-set.ts';

const NO_QUERY = 'has to be an absolute http or https URL without a query or fragment';

/** Host and port as rules are compared with a URL. */
const place = (host: string, port: number): string => `${asciiLower(host)} ${port}`;

/** `places`: undefined when the document declares no egress, and then nothing is compared. */
function checkUrl(target: Extract<ExportTarget, { kind: 'http' }>, path: readonly PathSegment[], places: ReadonlySet<string> | undefined, report: Report): void {
  const url = parseUrl(target.baseUrl);
  if (url === undefined) {
    report.add('target.url', path, NO_QUERY);
    return;
  }
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  const isBare = !/[?#]/.test(url.href);
  report.unless(isHttp)?.add('target.url.scheme', path, `has to begin with http: or https:, not ${quoted(url.protocol)}`);
  report.unless(isBare)?.add('target.url.query', path, NO_QUERY);
  if (!isHttp || !isBare || places === undefined) return;
  const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port);
  report.unless(places.has(place(url.hostname, port)))?.add('target.egress', path, `leads to ${url.hostname}:${port}, which spec.authority.egressRules does not allow`);
}

function placesOf(rules: readonly EgressRule[]): ReadonlySet<string> | undefined {
  return rules.length === 0 ? undefined : new Set(rules.map((rule) => place(rule.host, rule.port)));
}

export const TARGET_RULES: RuleGroup = {
  reads: ['export', 'authority'],
  check: ({ spec }, report) => {
    const seen = new Set<string>();
    const refs = new Set(spec.authority.secretRefs);
    const places = spec.export?.targets?.some(({ kind }) => kind === 'http') === true ? placesOf(spec.authority.egressRules ?? []) : undefined;
    for (const [i, target] of (spec.export?.targets ?? []).entries()) {
      const path = ['spec', 'export', 'targets', i];
      report.portable(target.name, 'target.name', path, 'name');
      report.unless(!seen.has(target.name))?.add('target.duplicate', [...path, 'name'], `${quoted(target.name)} names another target already`);
      seen.add(target.name);
      report.unless(target.secretRef === undefined || refs.has(target.secretRef))?.add('target.secret-ref', [...path, 'secretRef'], `names ${quoted(target.secretRef ?? '')}, which spec.authority.secretRefs does not list`);
      if (target.kind === 'http') checkUrl(target, [...path, 'baseUrl'], places, report);
    }
  },
};

export const ARTIFACT_RULES: RuleGroup = {
  reads: ['export'],
  check: ({ spec }, report) => {
    const targets = spec.export?.targets ?? [];
    const names = new Set(targets.map((target) => target.name));
    for (const [i, { name, target }] of (spec.export?.artifacts ?? []).entries()) {
      const path = ['spec', 'export', 'artifacts', i];
      report.portable(name, 'artifact.name', path, 'name');
      if (target === undefined) {
        report.unless(targets.length < 2)?.add('artifact.target.ambiguous', path, `has to name its target: there are ${targets.length}`);
        continue;
      }
      report.portable(target, 'artifact.target.name', path, 'target');
      report.unless(names.has(target))?.add('artifact.target.unknown', [...path, 'target'], `names ${quoted(target)}, which spec.export.targets does not hold`);
    }
  },
};
