/** What `cellos-supervisor --validate` prints: how a run would be put together, as far as the variables say. Pure. */
import type { Environment } from '../../config/env.ts';
import { nonBlank } from '../../config/setting.ts';
import { backendName, brokerName, type SupervisorConfig } from '../../config/supervisor.ts';
import { defaultSinkOf } from '../../config/supervisor-exports.ts';
import { resolveEventSubject } from '../../core/events/subject.ts';
import type { SpecDocument } from '../../core/spec/document.ts';

/** Pretty JSON, keys sorted at every level, with a line end. Names that mean nothing here are shown as what they fall back to. */
export function validateSummary(input: { env: Environment; config: SupervisorConfig; path: string; document: SpecDocument }): string {
  const { env, config, path, document } = input;
  const { spec } = document.document;
  const runId = config.runId ?? 'validate';
  const subject = resolveEventSubject(config.events.subject, { specId: spec.id, runId, tenantId: spec.correlation?.tenantId });
  const summary = {
    authorityKeysConfigured: nonBlank(env['CELLOS_AUTHORITY_KEYS_PATH']) !== undefined,
    deploymentProfile: env['CELLOS_DEPLOYMENT_PROFILE'] ?? 'hardened',
    eventSink: { jsonlMirrorChained: config.events.chained, jsonlMirrorEnabled: config.events.mirror !== undefined, primary: config.events.noop ? 'noop' : 'jetstream-or-noop-fallback', subject },
    export: { defaultSink: defaultSinkOf(env), namedTargets: (spec.export?.targets ?? []).map(({ kind, name }) => ({ kind, name })) },
    hostBackend: backendName(env['CELLOS_CELL_BACKEND']),
    mode: 'validate',
    policyPackConfigured: nonBlank(env['CELLOS_POLICY_PACK_PATH']) !== undefined,
    runId,
    secretBroker: brokerName(env['CELLOS_BROKER']),
    specId: spec.id,
    specPath: path,
    specSha256: document.rawHash,
  };
  return `${JSON.stringify(summary, undefined, 2)}\n`;
}
