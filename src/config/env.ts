/** Names of the environment variables we read, and the only reader of `process.env`. */
import os from 'node:os';
import { CellError, ignore } from '../base/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const environment: Environment = process.env;

export interface Settings {
  readonly stateDir: string;
  /** CELLOS_EXPORT_DIR: where artifacts are delivered, beside their copy in the bundle. */
  readonly exportDir?: string;
  /** CELLOS_CALLER_IDENTITY: in whose name a policy decides. */
  readonly callerIdentity?: string;
  /** CELLOS_POLICY_ALLOW_DOWNGRADE, as it is set: takes policy packs older than the floor. */
  readonly policyAllowDowngrade?: string;
  readonly path: string;
  readonly color: boolean;
}

/** CELLOS_STATE_DIR, else /var/lib/cellos for root, else XDG_STATE_HOME or ~/.local/state. Pure. @throws CellError `config.invalid` */
export function settingsOf(env: Environment, host: { euid: number; home: () => string | undefined }): Settings {
  const exportDir = env['CELLOS_EXPORT_DIR'];
  const callerIdentity = env['CELLOS_CALLER_IDENTITY'];
  const policyAllowDowngrade = env['CELLOS_POLICY_ALLOW_DOWNGRADE'];
  return {
    ...(exportDir === undefined || exportDir === '' ? {} : { exportDir }),
    ...(callerIdentity === undefined ? {} : { callerIdentity }),
    ...(policyAllowDowngrade === undefined ? {} : { policyAllowDowngrade }),
    stateDir: env['CELLOS_STATE_DIR'] || (host.euid === 0 ? '/var/lib/cellos' : `${stateHome(env, host.home)}/cellos`),
    path: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    color: (env['NO_COLOR'] === undefined || env['NO_COLOR'] === '') && env['TERM'] !== 'dumb',
  };
}

function stateHome(env: Environment, home: () => string | undefined): string {
  if (env['XDG_STATE_HOME']?.startsWith('/')) return env['XDG_STATE_HOME'];
  const folder = env['HOME']?.startsWith('/') ? env['HOME'] : home();
  if (folder === undefined) throw new CellError('config.invalid', 'Cannot tell where the state folder is: this user has no home; set CELLOS_STATE_DIR');
  return `${folder}/.local/state`;
}

/** undefined for a user the system does not know. */
function systemHome(): string | undefined {
  try {
    return os.homedir();
  } catch (error) {
    ignore(error, 'there is none');
    return undefined;
  }
}

export function currentSettings(): Settings {
  return settingsOf(environment, { euid: process.geteuid?.() ?? -1, home: systemHome });
}
