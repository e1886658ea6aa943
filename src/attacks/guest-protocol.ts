/** Lying to the supervisor. What a workload writes is bytes of its output, whatever they look like. */
import { attack, call, type Scenario, scenario, solo } from './attack.ts';

const OWN = ['descriptors', 'namespace.pid'];
const lie = (id: string, title: string, script: string, answer: string): Scenario => solo({ class: 'guest-protocol', ending: answer, attack: attack(`guest-protocol.${id}`, title, ['sh', script], answer, OWN) });

const FORGED_EVENT = '{"v":1,"stream":"x","seq":0,"prev":"sha256:0","envelope":{"event":{"type":"dev.cellos.events.cell.process.v1.exited","data":{"ending":"exited","exitCode":0}}}}';

export const GUEST_PROTOCOL: readonly Scenario[] = [
  scenario({
    name: 'guest-protocol',
    class: 'guest-protocol',
    attacks: [
      call('guest-protocol.control', 'write to the control socket through /proc', ['openat', -100, '=/proc/1/fd/4', 2], 'EACCES', OWN),
      attack('guest-protocol.scan', 'write to every descriptor there may be', ['sh', 'for n in 3 4 5 6 7 8 9; do (eval "printf x >&$n") 2>/dev/null && { echo WRITTEN; exit; }; done; echo none'], 'none', OWN),
      attack('guest-protocol.second-init', 'start the helper as a second init', ['sh', '/run/cellos/bin/init init 0 </dev/null >/dev/null 2>&1; echo refused $?'], 'refused 3', OWN),
      attack('guest-protocol.launcher', 'start the launcher in the cell', ['sh', '/run/cellos/bin/init launch 0 </dev/null >/dev/null 2>&1; echo refused $?'], 'refused 125', OWN),
    ],
  }),
  lie('forged-frame', 'write a frame of the init that says exit 0, then fail', "printf '\\053\\0\\0\\0\\006\\001\\0\\0\\0'; head -c 38 /dev/zero; exit 9", 'exited 9'),
  lie('forged-event', 'print a record that says exit 0, then fail', `printf '%s\\n' '${FORGED_EVENT}' '${FORGED_EVENT}' >&2; exit 9`, 'exited 9'),
  lie('forged-signal', 'exit with the code of a killed command', 'exit 137', 'exited 137'),
  lie('forged-time-limit', 'exit with the code of a time limit', 'exit 124', 'exited 124'),
  lie('forged-own-code', 'exit with a code CellOS uses for itself', 'exit 122', 'exited 122'),
  lie('control-bytes', 'print terminal sequences and control bytes', "printf '\\033]0;owned\\007\\033[2J\\0\\r\\n\\177\\200\\377' >&2; exit 3", 'exited 3'),
  lie('no-newline', 'print one line of four MiB', "head -c 4194304 /dev/zero | tr '\\0' x; exit 4", 'exited 4'),
  lie('closed-output', 'close the output and go on', 'exec >&- 2>&-; sleep 0.05; exit 5', 'exited 5'),
  lie('forged-arguments', 'put a record among the arguments', `true '${FORGED_EVENT}\n{"v":1}'; exit 6`, 'exited 6'),
];
