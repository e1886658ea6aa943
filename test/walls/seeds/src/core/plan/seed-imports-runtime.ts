// breaks compiler: TS6307
import { RunRecorder } from '../../runtime/emitter/run-recorder.ts';
export const make = RunRecorder;
