#include "model/fit-answer.h"

void hn_fit_answer_free(struct hn_fit_answer *answer)
{
	if (!answer)
		return;
	hn_placement_free(answer->home);
	hn_explanation_free(answer->explanation);
	free(answer);
}
