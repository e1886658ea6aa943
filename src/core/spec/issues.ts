/** What can be wrong with a document, as data: one closed name a rule, where it is, and how it is told. */
import type { PathSegment } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import { rustDebug } from '../../base/rust-debug.ts';

/** The text is not JSON or YAML; a value is not of its declared shape (reference/01 §1). */
export type ShapeRule = 'syntax' | 'wrong-type' | 'out-of-range' | 'unknown-value' | 'missing-key' | 'duplicate-key' | 'list-length' | 'too-deep';

/** Accepted by the reference, refused in strict mode (reference/01 §1.1). */
export type StrictRule = 'unknown-key' | 'repeated-key' | 'positional' | 'enum-object';

/** reference/01 §3.2–3.4, in the order they are checked. */
export type ReferenceRule =
  | 'document.api-version'
  | 'document.kind'
  | 'id.portable'
  | 'tenant.empty'
  | 'tenant.reserved'
  | 'secret-ref.portable'
  | 'identity.secret-ref.portable'
  | 'identity.irrelevant-field'
  | 'identity.ttl'
  | 'identity.secret-ref.undeclared'
  | 'environment.image'
  | 'environment.digest'
  | 'environment.template'
  | 'placement.empty'
  | 'placement.pool'
  | 'placement.namespace'
  | 'placement.queue'
  | 'ingress.git.secret-ref'
  | 'ingress.image.secret-ref'
  | 'run.argv.empty'
  | 'run.argv.nul'
  | 'run.argv.size'
  | 'run.timeout'
  | 'run.memory'
  | 'run.cpu.quota'
  | 'run.cpu.period'
  | 'egress.host.empty'
  | 'egress.host.characters'
  | 'egress.protocol.characters'
  | 'dns.resolver.id'
  | 'dns.resolver.duplicate'
  | 'dns.resolver.endpoint'
  | 'dns.resolver.trust-kid'
  | 'dns.allowlist'
  | 'dns.refresh'
  | 'cdn.provider.id'
  | 'cdn.provider.duplicate'
  | 'cdn.pattern'
  | 'derivation.leaf'
  | 'target.name'
  | 'target.duplicate'
  | 'target.secret-ref'
  | 'target.url'
  | 'target.url.scheme'
  | 'target.url.query'
  | 'target.egress'
  | 'artifact.name'
  | 'artifact.target.name'
  | 'artifact.target.unknown'
  | 'artifact.target.ambiguous'
  | 'telemetry.events'
  | 'telemetry.agent-version'
  | 'telemetry.event.empty'
  | 'telemetry.event.egress';

/** reference/01 §3.5: what the reference accepts and should not. Errors in strict mode, warnings in compatible mode. */
export type ReviewRule =
  | 'review.list-size'
  | 'review.grace'
  | 'review.ingress.secret-ref'
  | 'review.ingress.url'
  | 'review.ingress.reference'
  | 'review.ingress.digest'
  | 'review.working-directory'
  | 'review.artifact.path'
  | 'review.artifact.duplicate'
  | 'review.target.bucket'
  | 'review.target.egress'
  | 'review.target.user-info'
  | 'review.egress.port'
  | 'review.egress.protocol'
  | 'review.egress.host'
  | 'review.dns.endpoint'
  | 'review.dns.trust-anchors'
  | 'review.dns.rebinding'
  | 'review.labels'
  | 'review.identity.empty'
  /** A warning in both modes. */
  | 'review.float-digits';

export type SpecRule = ShapeRule | StrictRule | ReferenceRule | ReviewRule;

/** A finding before its place in the text is known. */
export interface Finding {
  readonly rule: SpecRule;
  readonly path: readonly PathSegment[];
  /** Points at the key rather than the value. */
  readonly atKey?: boolean;
  /** Where it is, when the path cannot say. */
  readonly offset?: number;
  readonly message: string;
}

/** One broken rule. */
export interface SpecIssue {
  readonly rule: SpecRule;
  /** From the document root, `spec.run.argv[0]`; empty for the document itself. */
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/** Collects findings; keeps the first of them and counts the rest. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  add(finding: Finding): void {
    this.count += 1;
    if (this.list.length < LIMITS.specIssueCountMax) this.list.push(finding);
  }

  /** Counts one more without keeping it, when no more are kept: it need not be put into words. @returns whether that was so */
  onlyCounts(): boolean {
    if (this.list.length < LIMITS.specIssueCountMax) return false;
    this.count += 1;
    return true;
  }

  /** Takes over all findings of another. */
  take(other: Findings): void {
    for (const finding of other.list) this.add(finding);
    this.count += other.count - other.list.length;
  }
}

/** Longest part of a foreign text shown in a message, characters. */
const QUOTED_MAX = 80;

/** A text of the document inside a message: quoted, with nothing a terminal would act on. */
export function quoted(text: string): string {
  return rustDebug(text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text);
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The name a misspelt one was probably meant to be. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const found = distance(name.toLowerCase().replaceAll(/[_-]/g, ''), candidate.toLowerCase());
    if (found < bestDistance) {
      bestDistance = found;
      best = candidate;
    }
  }
  return best;
}

/** `spec.yaml:7:3: spec.lifetime.ttlSecond is an unknown key; did you mean ttlSeconds?` */
export function renderIssue(issue: Omit<SpecIssue, 'rule'>, name = 'document'): string {
  return `${name}:${issue.line}:${issue.column}: ${issue.severity === 'warning' ? 'warning: ' : ''}${issue.path === '' ? '' : `${issue.path} `}${issue.message}`;
}
