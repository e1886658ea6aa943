/** The sinks of a run's artifacts: of each target the document names, and the one for artifacts without a target (reference/03 §10). */
import { systemClock } from '../../adapters/os/clock.ts';
import { systemRandom } from '../../adapters/os/random.ts';
import { CellError } from '../../base/errors.ts';
import type { ExportChoice, ExportSettings } from '../../config/supervisor-exports.ts';
import { tellableUrl } from '../../core/events/redact-query.ts';
import type { ExportArtifact, ExportTarget } from '../../core/spec/document.ts';
import type { ExportReceipt, ExportSink } from '../../ports/export-sink.ts';

export interface OpenSinks {
  readonly fallback: ExportSink | undefined;
  /** By the name of the target. */
  readonly targets: ReadonlyMap<string, ExportSink | undefined>;
}

/** Where one artifact goes, and how that is told whether it arrives or not. */
export interface ArtifactPlace {
  readonly sink: ExportSink;
  readonly targetKind: ExportReceipt['targetKind'];
  readonly targetName?: string;
  readonly destination?: string;
}

function noSink(name: string): ExportSink {
  return {
    kind: 'local',
    async push() {
      throw new CellError('export.failed', `Cannot export "${name}": no place to put it is set; set CELLOS_EXPORT_DIR, or the address of its target`, { facts: { name } });
    },
  };
}

export interface SinkContext {
  readonly settings: ExportSettings;
  readonly sinks: OpenSinks;
  readonly targets: readonly ExportTarget[];
  readonly cellId: string;
}

async function sinkOf(choice: ExportChoice, target: ExportTarget | undefined, caFile: string | undefined): Promise<ExportSink | undefined> {
  if (choice.kind === 'none') return undefined;
  if (choice.kind === 'local') return (await import('../../adapters/export/local.ts')).createLocalExport(choice.folder, systemRandom);
  const { createHttpExport, createS3Export } = await import('../../adapters/export/upload.ts');
  const options = { ...choice.upload, clock: systemClock, ...(caFile === undefined ? {} : { caFile }) };
  return target?.kind === 's3' ? createS3Export(options, target) : createHttpExport(options);
}

async function hint(choice: ExportChoice, target: ExportTarget | undefined, artifact: { cellId: string; name: string }): Promise<string | undefined> {
  if (target?.kind === 's3') return (await import('../../adapters/export/upload.ts')).s3Destination(target, artifact.name);
  if (choice.kind === 'http') return tellableUrl((await import('../../adapters/export/upload.ts')).uploadUrl(choice.upload.url, 'http', artifact));
  if (target !== undefined) return tellableUrl(target.baseUrl);
  return choice.kind === 'local' ? `${artifact.cellId}/${artifact.name}` : undefined;
}

/** All of them, before the run. @throws CellError `config.invalid` for certificates that cannot be read */
export async function openSinks(settings: ExportSettings, targets: readonly ExportTarget[], caFile: string | undefined): Promise<OpenSinks> {
  const named = await Promise.all(targets.map(async (target) => [target.name, await sinkOf(settings.targets.get(target.name) ?? { kind: 'none' }, target, caFile)] as const));
  return { fallback: await sinkOf(settings.fallback, undefined, caFile), targets: new Map(named) };
}

/** The artifact's own target, else the only one, else the default sink. */
export async function placeOf(artifact: ExportArtifact, { settings, sinks, targets, cellId }: SinkContext): Promise<ArtifactPlace> {
  const named = artifact.target ?? (targets.length === 1 ? targets[0]?.name : undefined);
  const target = targets.find(({ name }) => name === named);
  const choice = (target === undefined ? undefined : settings.targets.get(target.name)) ?? settings.fallback;
  const sink = target === undefined ? sinks.fallback : sinks.targets.get(target.name);
  const destination = await hint(choice, target, { cellId, name: artifact.name });
  return {
    sink: sink ?? noSink(artifact.name),
    targetKind: target?.kind ?? sink?.kind ?? 'local',
    ...(target === undefined ? {} : { targetName: target.name }),
    ...(destination === undefined ? {} : { destination }),
  };
}
