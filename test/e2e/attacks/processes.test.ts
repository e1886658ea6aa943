import { describeAttacks } from './describe-attacks.ts';

describeAttacks('processes');
