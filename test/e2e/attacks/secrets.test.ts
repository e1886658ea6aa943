import { describeAttacks } from './describe-attacks.ts';

describeAttacks('secrets');
