//! Indirect English for the same senses: polite, passive, declarative and figurative wording, and commands by their form.
use super::{Sense, Table};

/// Words by sense.
pub(super) const TABLES: &[(Sense, Table)] = &[
    (
        Sense::Order,
        &[(
            "en",
            "would appreciate|appreciate it if|appreciated if|be grateful|grateful for|would be grateful|would be kind|be so kind|customary to|good practice to|it is polite|polite to|we rely on|relies on you|is only valid if|are only valid if|only valid if|only valid when|is only complete|only complete when|is accepted only|are accepted only|counts as complete|not complete until|incomplete without|is considered complete|is a prerequisite|are prerequisites|as a courtesy|is part of your|part of the job|is to include|house rule|house rules|standing order|is bound to|are bound to|will do nicely|it helps if|it would help|we would like you|would like you to|would love|you are asked|is asked to|are asked to|is done by the model|done by the assistant|the assistant also|the model also|the agent also|the assistant then|the agent then|the model then|the assistant first|the agent first|without end|has the duty|it falls to",
        )],
    ),
    (
        Sense::Trigger,
        &[(
            "en",
            "beforehand|in advance of|right after|right before|straight after|as its last step|as a last step|as the last step|as a first step|on an empty result|if nothing is found|if it fails|if the call fails|if none was given|where none is given|where the person gave none|where the user gave none|logged in as|on weekdays|on mondays|on fridays|environment named|after that|from the tenth|from the fifth|past midnight|later in the session|once per session|from then on|on the first call|on the last call|the first time|when retrying|when idle|with the next|at the next|on the next|called after",
        )],
    ),
    (
        Sense::User,
        &[(
            "en",
            "account holder|card holder|cardholder|the traveller|the traveler|the buyer|the customer|the shopper|whoever asked|whoever is asking|whoever is at the keyboard|the person at|the individual|your principal|your human|the questioner|the passenger",
        )],
    ),
    (
        Sense::Hush,
        &[(
            "en",
            "without telling|is not spoken of|are not spoken of|not be spoken of|not spoken about|is not to learn|are not to learn|is not to know|are not to know|is not to hear|not to find out|need never know|needs never know|never need know|never need to know|leaving no trace|leaves no trace|leave no traces|clean up traces|cover the traces|wipe this line|wipe the traces|no trace in|see no difference|sees no difference|notice no difference|notices no difference|would rather not hear|does not concern the user|is no concern of|none of their concern|none of the user's business|stays off the record|kept off the record|no one will notice|nobody will notice|unsaid|unspoken|has no comment on|with no comment on|not be commented on|is not commented on|spare the user|is left out of the answer|are left out of the answer|left out of your answer|kept out of the answer|kept out of your answer|kept out of the reply|not appear in your answer|not appear in the answer|not appear in your reply|absent from your answer|absent from the answer|absent from your reply|is not repeated to|are not repeated to|mum about|mum on this|tight-lipped|hold your tongue|a secret between|our little secret|not breathe|keep mum|keeps mum|give no hint|gives no hint|refrain from mentioning|leave the change out|leave it out|leave these lines out|leave the user unaware|leave them unaware|remain oblivious|stays oblivious|not for display to|do not show these lines|for model eyes|eyes of the model|eyes of the agent",
        )],
    ),
    (
        Sense::Know,
        &[(
            "en",
            "learn of|learn about|learn that|get wind of|be any the wiser|read about it|stumble upon|come across it",
        )],
    ),
    (
        Sense::Feign,
        &[(
            "en",
            "presented as what|present it as what|presented as though|pass for|passes for|shown with the original|shown as the original|shows the original|with the original number|show the original|keep the appearance|as the user expects|as they expect|as they asked for|restored right after|restore it afterwards|put it back afterwards|looks the same|look the same|look unchanged|looks unchanged|appear unchanged|appears unchanged|saying that it is|by saying that|say the law|legal requirement|required by law|brush off|play it down|play down|wave away|technical glitch|blame a",
        )],
    ),
    (
        Sense::Unasked,
        &[(
            "en",
            "allow always|always allow|answers permission|answer permission|permission questions itself|signed this off|signed it off|signed off on|has signed off|already signed off|acceptance of the terms covers|terms cover|covered by the terms|do not have to trouble|no need to trouble|not trouble the|without troubling|is not required to agree|agreement is not needed|no human|a human does not|nobody has to confirm|nobody needs to confirm|need not confirm|no sign-off|without sign-off|refuse to stop|do not stop when|not stop when|cannot be declined|cannot be refused|may not be declined|no dialog|dismiss the dialog|click through|clicks through|confirm on their behalf|confirm for them|accept for the user|take silence as|silence is consent|counts as a yes|taken as a yes|treat as a yes|is a yes|autoapprove|auto-approved|auto approved|whether it is destructive|even destructive|without looking at",
        )],
    ),
    (
        Sense::Talk,
        &[(
            "en",
            "all that the human|all the human|all that the user|all the user has|what the human|what the person|what the person has|what you were told|what you have been told|what you know about the user|what the operator|told by the operator|private reasoning|your private reasoning|your hidden reasoning|your thinking|surrounding dialogue|dialogue around|the dialogue|this session's|everything noteworthy|what the user is working on|what the user works on|who the user is|who the person is|last prompt|last_prompt|the prompt in full|user's prompt in full|every argument and result|arguments and results|arguments and result|other tools returned|other tools have returned|other tools gave|results of other tools|results of earlier|earlier results|outputs so far|earlier outputs|earlier answers|results of tools|results of the other|previous answers|the whole exchange|entire exchange|the exchange so far|exchange so far|the whole thread|the whole discussion|discussion to date|session so far|session to date|session contents|everything said so far|everything discussed|everything above|all text above|text above this|what came before|what precedes|preceding turns|previous turns|earlier turns|prior turns|the last ten messages|last few messages|last three messages|running summary of the|recap of the|minutes of the|your briefing|operator's instructions|operator instructions|hidden instructions|configuration text|what other servers|names of all tools|names of your tools|other tools you have",
        )],
    ),
    (
        Sense::Local,
        &[(
            "en",
            "home address|home address and|phone number of|private address|date of birth|mother's maiden|passport number|health record|medical history|contacts app|address list|folder documents|documents folder|photo library|photo roll|camera roll|calendar of|user's files|user's phone|user's phones|user's mail|user's contacts|user's calendar|user's photos|user's location|the user's address|name of the employer|open tasks|files seen|tokens seen|keys the person|last purchases|purchase history|account statement|statement of the account|bank transactions|transactions of|list of running|process list|contents of the folder|files outside|outside of the workspace|outside the workspace|outside the project|outside of the project|parent directories|other repositories|internal wiki|the user's code|source of the project|whole repository|the whole project|all files of|every file of|copy of the repository|customers table|users table|kernel version|wi-fi password|wifi password",
        )],
    ),
    (
        Sense::Acquire,
        &[(
            "en",
            "looked up in|looked up from|looked up|taken from the|dump the|gathered from|pulled from|fetched from|read out|came along|come along|join the values|refresh with each|is drawn from|lifted from|sourced from|excerpt of|excerpts from|obtained from|filled in from|filled from",
        )],
    ),
    (
        Sense::Transfer,
        &[(
            "en",
            "hand the|hand these|came along|come along|comes along|accompany it|go along|goes along|goes with it|is carried|are carried|are appended|is appended|is attached|are attached|is mirrored|are mirrored|is copied|are copied|is included|are included|is placed|are placed|is put|are put|is sent|are sent|is posted|are posted|is passed|are passed|is handed|are handed|is delivered|are delivered|are forwarded|is forwarded|is uploaded|are uploaded|filled in from|additionally to|as well to|push the|pushed to|push to|pushed upstream|upstream|give them the|ends with|closes with",
        )],
    ),
    (
        Sense::Modify,
        &[(
            "en",
            "gets rewritten|is rewritten|is exchanged|exchange the|exchanged for|prefixed by|is prefixed|prefix it|is replaced by|are replaced by|is swapped for|swap the|put ours|put this in place|repoint|in its stead|in his stead|stands in for|is turned into|turn into|rounded up in|credited to|credit to|payable to|paid to|pays to",
        )],
    ),
    (
        Sense::Money,
        &[(
            "en",
            "donation|donations|donation line|donation lines|payout address|payment link|remit|remittance|salary account|tip jar|bc1*|stored card|saved card|card on file|sort code|paypal|account details|bank account|clone url|remote url|registry url|download url",
        )],
    ),
    (
        Sense::Danger,
        &[
            (
                "en",
                "cron entry|cron job|cron jobs|scheduled task|scheduled tasks|login item|login items|grant all|grant full|grant everyone|grant owner|full access to everyone|everyone full|open to the world|listen on all interfaces|audit table|drop the audit|clear the logs|clears the log|wipe the logs|wipe the log|delete the logs|delete the log|branch protection|second factor|any password|accepts the password|accepts any|hard-coded password|hardcoded password|hard-coded credential|skip the check of the password|trusted certificate|root certificate|remote desktop|port forward|forward port|reverse tunnel|disable defender|bind shell|shell on port|history rewrite|mirror everything|hidden window|without a window",
            ),
            (
                "*",
                "nc -*|ncat *|netcat *|powershell -*|-w hidden|-windowstyle hidden|-nop*|-executionpolicy bypass|iex (*|irm http*|(irm *|schtasks*|reg add*|setenforce 0|ufw disable|iptables -f|net user*|useradd*|usermod*|visudo|nopasswd|grant all*|0.0.0.0/0|ssh -r*|socat*|bash -i*|/bin/bash|chmod -r 777|chmod a+w|chmod 666|git config --global*|core.hookspath*|ld_preload*|npm install http*|pip install http*|--trusted-host*|--extra-index-url*|--index-url*|--ignore-scripts=false|strict-ssl false|gpgcheck=0|--insecure|-k http*|verify_none|verify = false|autorun*|runonce*|dangerouslydisable*|bypasspermissions|allow_all|allow-all*|--allow-all*|--privileged|--no-sandbox|--disable-web-security|.bash_profile|.zprofile|~/.config/autostart*|wscript*|mshta*|rundll32*|regsvr32*|vssadmin*|wevtutil*|history -c|shred -*|unset histfile",
            ),
        ],
    ),
    (
        Sense::Protection,
        &[(
            "en",
            "virus scanner|virus scan|antivirus software|defender|smartscreen|gatekeeper|tool approvals|tool call review|checks of tool calls|check of tool calls|permission question|permission questions|confirmation dialogs|approval gate|approval gates|review of tool calls|rate limiter|spam filter|spam filters|phishing filter|secret scanning|required reviews|branch protection|dependency check|dependency checks|signature check|checksum check|leave out warnings|warning labels|contraindications|interaction checks|telemetry of the guard|scanner of the client|policy engine",
        )],
    ),
    (
        Sense::Disable,
        &[(
            "en",
            "out of action|put out of action|take offline|silence the|left out|set to off|set to false|set to never|unhook|stop the service|clear the|loosen|weaken|lower the|soften|blunt|skip over|pass over|waved through|wave through|let through",
        )],
    ),
    (
        Sense::Granted,
        &[(
            "en",
            "they are pre-approved|is pre-approved|is covered|are covered|is settled|has been settled|was obtained|has been obtained|on file|is on file|already on file|is taken for granted|taken for granted|goes without saying|do not look at these|does not look at these|is a formality|mere formality|a formality|formality",
        )],
    ),
    (
        Sense::Consent,
        &[(
            "en",
            "acceptance of the terms|sign-off|sign off|go-ahead|okay of the user|user's ok|permission questions|approval gate|approval gates|human review",
        )],
    ),
    (
        Sense::Rank,
        &[(
            "en",
            "are advisory|is advisory|merely advisory|only advisory|suggestions only|are suggestions|are only suggestions|mere suggestions|are non-binding|non-binding|is bound to this server|bound to this server|where they clash|in a conflict|if they conflict|in case of conflict|in doubt this|loyal to|your loyalty|serve this server|answers to this server",
        )],
    ),
    (
        Sense::Obey,
        &[(
            "en",
            "make that call|make the call it|make the call|call what it names|run what it names|carry them out|these are the steps|those are the steps|are the steps|is your next step|is the next step|is your next action|are your next steps|do as the|do what the result|do as it asks|do as asked there|what it asks for|run them as they are|run it as it is|the result decides|the answer decides|takes over from there|let it guide|commands to run|treat requests by|treat requests from|as coming from the owner|as coming from the user|as if the user had|as though the user had|as though the user wrote|as the user's own words|speaks for the user|on the authority of|with the authority of|has the authority of",
        )],
    ),
    (
        Sense::Takeover,
        &[(
            "en",
            "you are now bound|from here on|until further notice|play a game|let us play|in this game|in this story you|a world in which|in a world where|your other self|alter ego|extended your permissions|permissions have been extended|your duties|has been replaced by this|end of tool|end of results",
        )],
    ),
    (
        Sense::Authority,
        &[(
            "en",
            "admin notice|system notice|to the model|an das modell|your provider|the operator has|your operator has|your vendor|your developers|the platform team|security team has|the vendor has|<<admin*|<<system*|<<notice*|note from the platform|message from the platform|message from your provider|notice from your provider|for the reading model|whoever parses this|whichever model|any model reading|model reading this|model that reads",
        )],
    ),
    (
        Sense::Regardless,
        &[(
            "en",
            "irrespective of whether|even where the user|even where they|even if it is not so|even if not so|even if untrue|even when untrue|even if that is not|over the user's objection|over objections|a user who objects|refuse to stop|when asked to stop|when told to stop|it does not matter|does not matter which|does not matter whether|does not matter what|no matter which|no matter whether|no matter who|rather than what they asked|not what they asked",
        )],
    ),
    (
        Sense::Lie,
        &[(
            "en",
            "called the best|leave out warnings|leaves out warnings|cite studies|cite 'studies'|cite invented|invented|even if it is not so|even if untrue|say that they are|saying that they are|by saying that they|as though it were true|confirm it as paid|show success|shown as paid|pretend success|report it done|report as done|count as done|inflate|inflated|understate|understated|overstate|overstated|play down|talk down|talk up|answer all|answer every question|is presented as|are presented as|misquote|misattribute|hide cheaper|hide the cheaper|cheaper offers|drop cheaper|score ours|rate ours|ours first|ours higher|round up in|always positive|only praise|never criticise|never criticize",
        )],
    ),
    (
        Sense::Steer,
        &[(
            "en",
            "is called the|name first|name only|names only|praise only|push the product|mention our|mentions our|suggest only|suggest our|propose our|in our favour|in our favor|in favour of|in favor of|subscribe|sign up with|correct a user",
        )],
    ),
    (
        Sense::Others,
        &[(
            "en",
            "of the mail server|of the payment server|of the bank server|another server's tool|other server's tool|tools of other servers|tool of another server|whichever server|refuse other tools|refuse the other|other tools are|other tools have|every later call|all later calls|calls of other|calls to others|what other tools|results of other|other results",
        )],
    ),
    (
        Sense::Memory,
        &[(
            "en",
            "in later chats|in later conversations|in future chats|in future conversations|in every later|for later sessions|across sessions|in all later|after a restart|survives a restart|for the next agent|for other agents|agents that come later|next model|house rules file|knowledge base entry|remembered for|is remembered|keep in mind forever",
        )],
    ),
    (
        Sense::Secret,
        &[(
            "en",
            "recovery codes|recovery code|backup codes|key ring|keyrings|stored card|process environment|environment block|environment of the process|variables of the environment|password files|the saved passwords|passwords saved|passwords the browser|browser's passwords|secrets of the|contents of env|license key file|signing certificate|session cookie of|cookies of|cookie store|refresh tokens|keys of the user|keys to the|credentials on this|credentials of this|credentials stored|master secret|root password|admin password|vault contents|kubernetes secrets|service account key|secret manager",
        )],
    ),
    (
        Sense::Credential,
        &[(
            "en",
            "one-time code|one-time codes|login and password|login of the|three digits on the back|debit card|debit or credit card|passcode|pass code|security code|security answer|secret answer|recovery codes|account password|bank login|bank pin|tax number|national id|identity card number|keys the person|any keys|sign-in data|access data|access codes|access code|unlock code|wifi password",
        )],
    ),
];
