/* tokenizer.json and tokenizer_config.json, as the library tokenizers reads them, of characters and of bytes. */
#ifndef REFFRAME_HUB_TOKENIZER_H
#define REFFRAME_HUB_TOKENIZER_H

#include "hub/hub.h"

/* Whether a run's ids are those of a text that such files can say; of learned pairs they are not. */
int tokenizer_can_be_written(const Data *data);

/* Both files' contents. A text becomes the ids that the run read it as, whatever marks stand in it; in front of it
 * comes BOS where the run's sequences began with it, and behind it, under a full mask, the EOS that they ended with. */
void tokenizer_add(Text *text, const HubModel *model);
void tokenizer_add_config(Text *text, const HubModel *model);

#endif
