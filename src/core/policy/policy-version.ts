/** The version of a policy pack against the oldest this program takes (reference/01 §5.3). */
import { quoted } from '../spec/issues.ts';

/** Oldest pack version taken without leave. */
export const POLICY_VERSION_FLOOR = '1.0.0';
/** The major number of the floor; a version is below it when its own is smaller. */
const FLOOR_MAJOR = 1n;
const U64_MAX = 2n ** 64n - 1n;

export type VersionRule = 'version.pre-release' | 'version.parts' | 'version.digits' | 'version.leading-zero' | 'version.overflow' | 'version.floor';

export interface VersionFault {
  readonly rule: VersionRule;
  readonly message: string;
}

function componentFault(component: string): VersionFault | undefined {
  if (!/^[0-9]+$/.test(component)) return { rule: 'version.digits', message: `has the part ${quoted(component)}, which is not a whole number` };
  if (component.length > 1 && component.startsWith('0')) return { rule: 'version.leading-zero', message: `has the part ${quoted(component)}, which begins with a zero` };
  // Twenty digits hold every u64: longer text is never turned into a number.
  if (component.length > 20 || BigInt(component) > U64_MAX) return { rule: 'version.overflow', message: `has the part ${quoted(component)}, which is larger than ${U64_MAX}` };
  return undefined;
}

/**
 * Is the version well formed, and not older than the floor? A suffix after the first dash does not count for the order: 1.0.0-rc.1 is taken.
 *
 * @param version undefined: none is declared, which is right
 * @param allowDowngrade takes what is older than the floor; what is malformed stays refused
 */
export function versionFault(version: string | undefined, allowDowngrade: boolean): VersionFault | undefined {
  if (version === undefined) return undefined;
  const dash = version.indexOf('-');
  if (dash >= 0 && !/^[A-Za-z0-9.-]+$/.test(version.slice(dash + 1))) return { rule: 'version.pre-release', message: `is ${quoted(version)}: after the dash there may be letters, digits, dots and dashes, at least one` };
  const components = (dash < 0 ? version : version.slice(0, dash)).split('.');
  if (components.length !== 3) return { rule: 'version.parts', message: `is ${quoted(version)}: write MAJOR.MINOR.PATCH` };
  for (const component of components) {
    const fault = componentFault(component);
    if (fault !== undefined) return fault;
  }
  if (BigInt(components[0] as string) >= FLOOR_MAJOR || allowDowngrade) return undefined;
  return { rule: 'version.floor', message: `is ${quoted(version)}, older than ${POLICY_VERSION_FLOOR}: bring the pack up to date, or set CELLOS_POLICY_ALLOW_DOWNGRADE=1` };
}

/** What an environment variable has to hold to allow it. */
export function allowsDowngrade(text: string | undefined): boolean {
  return text !== undefined && ['1', 'true', 'yes', 'on'].includes(text.trim().toLowerCase());
}
