/** Names of the environment variables we read, and the only reader of `process.env`. */
import os from 'node:os';

export type Environment = Readonly<Record<string, string | undefined>>;

export const environment: Environment = process.env;

export interface Settings {
  readonly stateDir: string;
  readonly path: string;
  readonly color: boolean;
}

/** CELLOS_STATE_DIR, else /var/lib/cellos for root, else XDG_STATE_HOME or ~/.local/state. Pure. */
export function settingsOf(env: Environment, host: { euid: number; home: string }): Settings {
  const stateHome = env['XDG_STATE_HOME']?.startsWith('/') ? env['XDG_STATE_HOME'] : `${host.home}/.local/state`;
  return {
    stateDir: env['CELLOS_STATE_DIR'] || (host.euid === 0 ? '/var/lib/cellos' : `${stateHome}/cellos`),
    path: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    color: (env['NO_COLOR'] === undefined || env['NO_COLOR'] === '') && env['TERM'] !== 'dumb',
  };
}

export function currentSettings(): Settings {
  return settingsOf(environment, { euid: process.geteuid?.() ?? -1, home: os.homedir() });
}
