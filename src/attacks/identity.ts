/** Becoming somebody else. */
import { AT_FDCWD, attack, call, type Attack, type Scenario, scenario } from './attack.ts';

const USER = ['namespace.user'];
const CAPABILITIES = ['capabilities'];
const NNP = ['no-new-privileges'];
const CAP_SYS_ADMIN = 21;
const PR = { setSecurebits: 28, capAmbient: 47, capAmbientRaise: 2, capbsetRead: 23 } as const;

const attacks: readonly Attack[] = [
  call('identity.setuid-root', 'become root', ['setuid', 0], ['EINVAL', 'EPERM'], USER),
  call('identity.setresuid', 'become another user', ['setresuid', 1, 1, 1], ['EINVAL', 'EPERM'], USER),
  call('identity.setuid-overflow', 'become the user whom nobody is mapped to', ['setuid', 65534], ['EINVAL', 'EPERM'], USER),
  call('identity.setgid-root', 'become the group root', ['setgid', 0], ['EINVAL', 'EPERM'], USER),
  call('identity.setgroups', 'join other groups', ['setgroups', 0, 0], 'EPERM', USER),
  attack('identity.capset', 'take capabilities', ['take-capabilities'], 'EPERM', CAPABILITIES),
  call('identity.securebits', 'change how root gains capabilities', ['prctl', PR.setSecurebits, 1, 0, 0, 0], 'EPERM', CAPABILITIES),
  call('identity.ambient', 'raise an ambient capability', ['prctl', PR.capAmbient, PR.capAmbientRaise, CAP_SYS_ADMIN, 0, 0], 'EPERM', CAPABILITIES),
  call('identity.ambient-chown', 'raise another ambient capability', ['prctl', PR.capAmbient, PR.capAmbientRaise, 0, 0, 0], 'EPERM', CAPABILITIES),
  attack('identity.capability-sets', 'find a capability that was left', ['sh', 'grep "^Cap" /proc/self/status | grep -qv "0000000000000000$" && echo FOUND || echo none'], 'none', CAPABILITIES),
  attack('identity.groups', 'find a group that was left', ['sh', 'id -G'], '1000', USER),
  attack('identity.setuid-shown', 'run a setuid program of a shown folder', ['exec-user', '/attack/setuid/cellos-attack'], '1000 1000 1000', [...NNP, 'namespace.user']),
  attack('identity.setuid-system', 'become root by a setuid program of the system', ['setuid-system'], ['1000 1000', 'no setuid program'], NNP),
  attack('identity.user-map', 'find a second user to become', ['sh', 'n=0; while read -r a b c; do n=$((n+c)); done </proc/self/uid_map; echo $n'], '1', USER),
  attack('identity.group-map', 'find a second group to become', ['sh', 'n=0; while read -r a b c; do n=$((n+c)); done </proc/self/gid_map; echo $n'], '1', USER),
  call('identity.chown', 'give a file of our own to root', ['fchownat', AT_FDCWD, '=/work', 0, 0, 0], ['EINVAL', 'EPERM'], USER),
  call('identity.setuid-own', 'make a setuid program of our own', ['fchmodat', AT_FDCWD, '=/work', 0o4755], 'EPERM', ['seccomp']),
  attack('identity.loginuid-write', 'write another login user', ['sh', '{ echo 0 >/proc/self/loginuid; } 2>/dev/null && echo WRITTEN || echo refused'], 'refused', CAPABILITIES),
];

export const IDENTITY: readonly Scenario[] = [scenario({ name: 'identity', class: 'identity', cell: { show: ['setuid'] }, attacks })];
