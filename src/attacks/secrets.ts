/** Hunting secrets. One cell gets a secret in its environment, the other by the socket; the value is in no file of the evidence. */
import { AT_FDCWD, type Attack, attack, call, O_MAKE, type Scenario, scenario, SECRET_NAME } from './attack.ts';

const SECRETS = ['secrets'];
const PID = ['namespace.pid'];
/** `x` is searched for the value with the shell's own means, so that the search puts it into no argument. */
const search = (expression: string): string => `x=$(${expression} 2>/dev/null | tr -d '\\0'); case $x in *"$${SECRET_NAME}"*) echo FOUND ;; *) echo absent ;; esac`;

const environment: readonly Attack[] = [
  attack('secrets.init-environ', 'find the secret in the environment of the init', ['sh', search('cat /proc/1/environ')], 'absent', PID),
  attack('secrets.arguments', 'find the secret in the arguments of any process', ['sh', search('cat /proc/[0-9]*/cmdline')], 'absent', SECRETS),
  attack('secrets.init-memory', 'find the secret in the memory of the init', ['sh', search('cat /proc/1/mem /proc/1/maps')], 'absent', PID),
  attack('secrets.files', 'find the secret in a file', ['sh', search('cat /etc/* /run/cellos/* /run/cellos/*/* /tmp/* /work/* /dev/shm/* /attack/batch')], 'absent', SECRETS),
  attack('secrets.kernel', 'find the secret in the records of the kernel', ['sh', search('cat /proc/keys /proc/cmdline /proc/self/mountinfo /proc/net/unix /proc/sys/kernel/hostname')], 'absent', SECRETS),
  attack('secrets.host-environment', 'find a variable of the host', ['sh', 'env | cut -d= -f1 | grep -vx "PWD\\|OLDPWD\\|SHLVL\\|_" | sort | tr "\\n" " "'], `${SECRET_NAME} HOME LANG PATH TMPDIR `, ['environment']),
  attack('secrets.state', 'find the keys and the evidence of the supervisor', ['sh', 'ls -d /var/lib/cellos /root/.local/state/cellos {canary} 2>/dev/null | grep -q . && echo FOUND || echo absent'], 'absent', ['namespace.mount']),
];

const socket: readonly Attack[] = [
  attack('secrets.wrong-token', 'ask with a wrong token', ['secret-token', '00000000-0000-4000-8000-000000000000', SECRET_NAME], 'error unauthorized', SECRETS),
  attack('secrets.empty-token', 'ask with an empty token', ['secret-token', '', SECRET_NAME], 'error unauthorized', SECRETS),
  attack('secrets.unknown-key', 'ask for a secret that was not granted', ['secret-key', 'OTHER'], 'error unknown secret key \\', SECRETS),
  attack('secrets.prototype-key', 'ask for a name every object has', ['secret-key', '__proto__'], 'error unknown secret key \\', SECRETS),
  attack('secrets.malformed', 'ask with something that is no request', ['secret-raw', '{"token":1,"key":["x"]}'], 'no answer', SECRETS),
  attack('secrets.no-json', 'ask with something that is no JSON', ['secret-raw', 'GET / HTTP/1.1'], 'no answer', SECRETS),
  attack('secrets.array', 'ask with a wrong token in the other form', ['secret-raw', `["x","${SECRET_NAME}"]`], 'error unauthorized', SECRETS),
  attack('secrets.long', 'ask with eight MiB in one line', ['secret-long'], 'no answer', SECRETS),
  attack('secrets.guess', 'guess tokens', ['secret-guess', 400, SECRET_NAME], '400 of 400 refused', SECRETS),
  attack('secrets.idle', 'open 200 connections and say nothing', ['secret-idle', 200, SECRET_NAME], 'value of 32 bytes', SECRETS),
  attack('secrets.rights', 'send descriptors to the supervisor', ['secret-rights', SECRET_NAME], 'value of 32 bytes', SECRETS),
  attack('secrets.not-in-environment', 'find the value itself in the environment', ['sh', `[ -z "$${SECRET_NAME}" ] && echo absent || echo FOUND`], 'absent', SECRETS),
  call('secrets.unlink-socket', 'remove the socket', ['unlinkat', AT_FDCWD, '=/run/cellos/secrets/broker.sock', 0], 'EROFS', ['namespace.mount']),
  call('secrets.fake-socket', 'put a file beside the socket', ['openat', AT_FDCWD, '=/run/cellos/secrets/other', O_MAKE, 0o600], 'EROFS', ['namespace.mount']),
];

export const SECRETS_AND_SOCKET: readonly Scenario[] = [
  scenario({ name: 'secrets-environment', class: 'secrets', cell: { secretDelivery: 'env' }, attacks: environment }),
  scenario({ name: 'secrets-socket', class: 'secrets', cell: { secretDelivery: 'runtimeLeasedBroker' }, attacks: socket }),
];
