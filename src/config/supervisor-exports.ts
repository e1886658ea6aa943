/** Where artifacts are uploaded to: settings of the default sink and of each target that a document names. Pure. */
import type { Environment } from './env.ts';
import { millisecondsOr, nonBlank, parseU64, scoped, scopeSuffix } from './setting.ts';
import type { ConfigWarning, StartProblem } from './supervisor-problem.ts';

export interface UploadSettings {
  readonly url: string;
  readonly bearerToken?: string;
  /** At least 1. */
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
}

export interface NamedTarget {
  readonly kind: 'http' | 's3';
  readonly name: string;
}

export type ExportChoice = { readonly kind: 'http' | 's3'; readonly upload: UploadSettings } | { readonly kind: 'local'; readonly folder: string } | { readonly kind: 'none' };

export interface ExportSettings {
  readonly fallback: ExportChoice;
  /** By the name of the target. */
  readonly targets: ReadonlyMap<string, ExportChoice>;
  readonly problems: readonly StartProblem[];
  readonly warnings: readonly ConfigWarning[];
}

interface Findings {
  readonly problems: StartProblem[];
  readonly warnings: ConfigWarning[];
}

function uploadOf(env: Environment, kind: 'http' | 's3', url: string, bearerToken: string | undefined, { problems }: Findings): UploadSettings {
  const prefix = kind === 'http' ? 'CELLOS_EXPORT_HTTP' : 'CELLOS_EXPORT_S3';
  const whole = (name: string, fallback: bigint, min: bigint): number => {
    const text = env[`${prefix}_${name}`];
    const value = text === undefined ? fallback : parseU64(text);
    if (value === undefined || value < min || value > BigInt(Number.MAX_SAFE_INTEGER)) {
      problems.push({ step: 'export', rule: 'export-setting', message: `${prefix}_${name} is ${JSON.stringify(text)}: give a whole number from ${min}` });
      return Number(min);
    }
    return Number(value);
  };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url.trim())?.[1]?.toLowerCase();
  if ((scheme !== 'http' && scheme !== 'https') || !URL.canParse(url.trim().replaceAll('{cell_id}', 'c').replaceAll('{artifact_name}', 'a'))) {
    problems.push({ step: 'export', rule: 'export-setting', message: `The ${kind === 'http' ? 'base URL of the HTTP export' : 'presigned URL of the S3 export'} is not an http or https address` });
  }
  if (bearerToken !== undefined && /[^\t\u0020-\u007e\u0080-\u00ff]/.test(bearerToken)) problems.push({ step: 'export', rule: 'export-setting', message: `${prefix}_BEARER_TOKEN holds a character that no header can carry` });
  return {
    url: url.trim(),
    ...(bearerToken === undefined ? {} : { bearerToken }),
    attemptsMax: whole('MAX_ATTEMPTS', 1n, 1n),
    backoffMs: whole('RETRY_BACKOFF_MS', 0n, 0n),
    timeoutMs: millisecondsOr(env[`${prefix}_TIMEOUT_MS`], 30_000),
    connectTimeoutMs: millisecondsOr(env[`${prefix}_CONNECT_TIMEOUT_MS`], 10_000),
  };
}

function unset(env: Environment, target: NamedTarget, found: Findings): ExportChoice {
  const required = env['CELL_OS_REQUIRE_HTTP_EXPORT'] !== undefined || (target.kind === 's3' && env['CELL_OS_REQUIRE_S3_EXPORT'] !== undefined);
  const variable = target.kind === 'http' ? 'CELLOS_EXPORT_HTTP_BASE_URL' : 'CELLOS_EXPORT_S3_PRESIGNED_URL';
  const own = `${variable}__${scopeSuffix(target.name)}`;
  if (required) found.problems.push({ step: 'export', rule: 'export-url-required', message: `The export target "${target.name}" has no address, and uploads are required: set ${own} or ${variable}` });
  else found.warnings.push({ variable, value: '', reason: `the export target "${target.name}" has no address, so an artifact for it fails; set ${own}` });
  return { kind: 'none' };
}

function targetOf(env: Environment, target: NamedTarget, found: Findings): ExportChoice {
  const http = scoped(env, 'CELLOS_EXPORT_HTTP_BASE_URL', target.name);
  if (target.kind === 'http') {
    return http === undefined ? unset(env, target, found) : { kind: 'http', upload: uploadOf(env, 'http', http.value, scoped(env, 'CELLOS_EXPORT_HTTP_BEARER_TOKEN', target.name)?.value, found) };
  }
  const presigned = scoped(env, 'CELLOS_EXPORT_S3_PRESIGNED_URL', target.name) ?? http;
  if (presigned === undefined) return unset(env, target, found);
  if (presigned === http) found.warnings.push({ variable: http.variable, value: '<address>', reason: `it is used for the S3 target "${target.name}", as it always was; set CELLOS_EXPORT_S3_PRESIGNED_URL__${scopeSuffix(target.name)}` });
  return { kind: 's3', upload: uploadOf(env, 's3', presigned.value, undefined, found) };
}

/** Two names that would share one variable are refused: an artifact must not go to the address of another target. */
function collisions(targets: readonly NamedTarget[], found: Findings): void {
  const bySuffix = new Map<string, string>();
  for (const { name } of targets) {
    const suffix = scopeSuffix(name);
    const other = bySuffix.get(suffix);
    if (other !== undefined && other !== name) found.problems.push({ step: 'export', rule: 'export-collision', message: `The export targets "${other}" and "${name}" would share the variables that end in __${suffix}: rename one of them` });
    bySuffix.set(suffix, name);
  }
}

export function defaultSinkOf(env: Environment): 'http' | 'local' | 'noop' {
  if (nonBlank(env['CELLOS_EXPORT_HTTP_BASE_URL']) !== undefined) return 'http';
  return env['CELLOS_EXPORT_DIR'] === undefined ? 'noop' : 'local';
}

export function readExportSettings(env: Environment, targets: readonly NamedTarget[]): ExportSettings {
  const found: Findings = { problems: [], warnings: [] };
  collisions(targets, found);
  const named = new Map(targets.map((target) => [target.name, targetOf(env, target, found)]));
  const url = nonBlank(env['CELLOS_EXPORT_HTTP_BASE_URL']);
  const folder = env['CELLOS_EXPORT_DIR'];
  // Of several messages about one variable, one is enough.
  const fallback: ExportChoice = url !== undefined ? { kind: 'http', upload: uploadOf(env, 'http', url, nonBlank(env['CELLOS_EXPORT_HTTP_BEARER_TOKEN']), found) } : folder === undefined ? { kind: 'none' } : { kind: 'local', folder };
  const problems = [...new Map(found.problems.map((problem) => [problem.message, problem])).values()];
  return { fallback, targets: named, problems, warnings: found.warnings };
}
