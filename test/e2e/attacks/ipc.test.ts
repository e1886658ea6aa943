import { describeAttacks } from './describe-attacks.ts';

describeAttacks('ipc');
