/** Adapters of vectors/events about small functions: redaction, subjects, names. */
import assert from 'node:assert/strict';
import { canonicalText } from '../../src/base/canonical-json.ts';
import { JsonFloat, type JsonValue } from '../../src/base/json.ts';
import { authorityEfficiency } from '../../src/core/events/authority.ts';
import { dnsQueryType } from '../../src/core/events/dns.ts';
import { parseRedactFields, redactFields } from '../../src/core/events/redact.ts';
import { isSensitiveFieldName, redactEchoedUrl, redactUrlCredentials } from '../../src/core/events/redact-url.ts';
import { cellSubjectUrn, parseSubjectUrn, resolveEventSubject, resolveTenantSubject, validateTenantId } from '../../src/core/events/subject.ts';
import { cgroupLeafName } from '../../src/core/spec/names.ts';
import { canonicalSpecHash } from '../../src/core/spec/hash.ts';
import { specOf } from './events-builders.ts';
import { objectMember, optionalText, refuses, refusesFor, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const URN_REASONS = [
  [/^ControlOrWhitespace/, 'control-or-whitespace'],
  [/^MissingUrnScheme/, 'missing-scheme'],
  [/^TooFewSegments/, 'too-few-segments'],
  [/^EmptySegment/, 'empty-segment'],
  [/^InvalidToolOrKindCharset/, 'bad-tool-or-kind'],
] as const;

const number = (value: JsonValue | undefined): number => Number(value);

export const smallAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/subject_urn': ({ input, expect }) => {
    const parse = () => (input['cell_id'] === undefined ? parseSubjectUrn(textMember(input, 'urn')) : cellSubjectUrn(textMember(input, 'cell_id')));
    if (expect['error'] === undefined) assert.equal(parse(), textMember(expect, 'ok'));
    else refusesFor(parse, textMember(expect, 'error'), URN_REASONS, ['event.invalid']);
  },

  'events/tenant_and_subject': ({ input, expect }) => {
    switch (textMember(input, 'fn')) {
      case 'validate_tenant_id_for_subject_token': {
        const validate = () => validateTenantId(textMember(input, 'tenant_id'));
        if (expect['error'] === undefined) validate();
        else {
          const error = refuses(validate, ['spec.invalid']);
          const quoted = /reserved char: '(\\?.)[^']*'/.exec(textMember(expect, 'error'))?.[1];
          if (quoted?.length === 1) assert.equal(error.facts['character'], quoted);
          assert.equal(error.facts['reason'], quoted === undefined ? 'empty' : 'reserved');
        }
        return;
      }
      case 'resolve_event_subject': {
        const env = objectMember(input, 'env');
        const settings = { template: optionalText(env['CELLOS_EVENTS_SUBJECT_TEMPLATE']), tenantId: optionalText(env['CELLOS_TENANT_ID']), subject: optionalText(env['CELL_OS_EVENTS_SUBJECT']) };
        assert.equal(resolveEventSubject(settings, { specId: textMember(input, 'spec_id'), runId: textMember(input, 'run_id'), tenantId: optionalText(input['tenant_id']) }), textMember(expect, 'ok'));
        return;
      }
      case 'resolve_tenant_subject':
        assert.equal(resolveTenantSubject(textMember(input, 'template'), input['data']), textMember(expect, 'ok'));
        return;
      default:
        assert.fail(`no such function: ${textMember(input, 'fn')}`);
    }
  },

  'events/redact_fields': ({ input, expect }) => sameJson(redactFields(input['data'] ?? null, parseRedactFields(optionalText(input['fields']))), expect['ok']),

  'events/redact_url': ({ input, expect }) => {
    const url = textMember(input, 'url');
    const text = optionalText(input['text']);
    assert.equal(text === undefined ? redactUrlCredentials(url) : redactEchoedUrl(text, url), textMember(expect, 'ok'));
  },

  'events/small_functions': ({ input, expect }) => {
    const { ok } = expect;
    switch (textMember(input, 'fn')) {
      case 'qtype_to_dns_query_type':
        assert.equal(dnsQueryType(number(input['qtype'])) ?? null, ok);
        return;
      case 'compute_efficiency':
        assert.equal(canonicalText(new JsonFloat(authorityEfficiency(number(input['declared']), input['exercised'] === null ? null : number(input['exercised'])))), textMember(objectMember(expect, 'ok'), 'json'));
        return;
      case 'is_sensitive_field_name':
        assert.equal(isSensitiveFieldName(textMember(input, 'name')), ok);
        return;
      case 'canonical_spec_hash':
        assert.equal(canonicalSpecHash(specOf(input['spec'])), textMember(objectMember(expect, 'ok'), 'hash'));
        return;
      case 'sanitize_cgroup_leaf_segment':
        assert.equal(cgroupLeafName(textMember(input, 'id')), ok);
        return;
      default:
        assert.fail(`no such function: ${textMember(input, 'fn')}`);
    }
  },
};
