/** Staying after the end. The teardown certificate has to be clean each time, and no process of the cell's user may be left. */
import { attack, type Scenario, type ScenarioCell, solo } from './attack.ts';

const PID = ['namespace.pid'];
const LEFT = 'exited 0: left running';
/** For those that make many processes: not made where the number cannot be limited. */
const many = { pidsMax: 256 } as const;

function stays(id: string, title: string, attempt: readonly (string | number)[], input: { answer?: string; cell?: ScenarioCell } = {}): Scenario {
  return solo({ class: 'residue', cell: input.cell ?? {}, attack: attack(`residue.${id}`, title, attempt, input.answer ?? LEFT, PID) });
}

function outlasts(id: string, title: string, attempt: readonly (string | number)[], cell: ScenarioCell = {}): Scenario {
  return solo({ class: 'residue', cell: { ttlSeconds: 1, graceSeconds: 1, ...cell }, ending: 'timed-out', limits: ['time'], attack: attack(`residue.${id}`, title, attempt, 'timed-out', ['time.ttl', ...PID]) });
}

export const RESIDUE: readonly Scenario[] = [
  stays('daemon', 'leave a deaf daemon behind, twice forked, in a session of its own', ['daemon', 'daemon']),
  stays('evil-name', 'leave a process behind whose name looks like the state of a dead one', ['daemon', ') Z 1 1 1 1 1']),
  stays('newline-name', 'leave a process behind with a line of lies in its name', ['daemon', 'x\nUid:\t0\t0']),
  stays('breed', 'leave a process behind that is another one every moment', ['breed'], { cell: many }),
  stays('orphan-output', 'leave a process behind that holds the output open', ['sh', 'sleep 600 & echo left running']),
  stays('nohup', 'leave a job of nohup and setsid behind', ['sh', 'nohup setsid sleep 600 >/dev/null 2>&1 & echo left running']),
  stays('stopped', 'leave a stopped process behind', ['sh', 'sleep 600 & kill -STOP $!; echo left running']),
  stays('many', 'leave a hundred processes behind', ['sh', 'i=0; while [ $i -lt 100 ]; do sleep 600 & i=$((i+1)); done; echo left running'], { cell: many }),
  stays('storm', 'come and go 500 times', ['storm', 500], { answer: 'exited 0: 500 came and went', cell: many }),
  stays('zombies', 'leave 200 dead children unreaped', ['zombies', 200], { answer: 'exited 0: 200 left unreaped', cell: many }),
  stays('kill-self', 'be killed while children run', ['sh', 'sleep 600 & echo left running; exec sh -c "exit 0"']),
  outlasts('deaf', 'ignore every request to stop', ['deaf']),
  outlasts('stop-self', 'stop oneself', ['stop-self']),
  outlasts('trap', 'answer the request to stop with more children', ['sh', 'trap "sleep 600 & sleep 600 &" TERM; while :; do sleep 600 & wait; done'], many),
  outlasts('deaf-daemon', 'leave a daemon behind and go on', ['sh', '(setsid sh -c "trap \\"\\" TERM HUP INT; while :; do sleep 600; done" &); while :; do sleep 600; done']),
];
