//! Words about rules and authority: ignoring instructions, new roles, following strangers, steering the user.
use super::Table;

/// Making something not count.
pub(super) const OVERRIDE: Table = &[
    (
        "en",
        "skipped over|skip over|meant for testing|were only a test|were a test|only a draft|proceed as though|no longer holds|no longer hold|does not count|do not count|not count any more|has expired|have expired|null and void|is replaced by|are replaced by|is lifted|no longer valid|no longer in force|are obsolete|is obsolete|cease to apply|do not apply|does not apply|are withdrawn|is withdrawn|revoked|are cancelled|is cancelled|are invalid|throw away|wipe|ignore|ignoring|disregard|disregarding|override|overrides|overriding|overrule|overrules|forget|forgetting|bypass|bypassing|supersede|supersedes|superseding|supercede*|set aside|dismiss|discard|abandon|nullify|void|cancel|replace|replaces|do not follow|don't follow|stop following|do not obey|no longer apply|no longer applies|no longer follow|take precedence over|takes precedence over|outrank|outranks|trump|trumps|erase|neglect|pay no attention to|violate|break|are void|are suspended|are lifted|cease following|unlearn|suspended",
    ),
    (
        "de",
        "gilt nicht mehr|gelten nicht mehr|hinfällig|ungültig|ignorier*|missacht*|vergiss|vergesse*|überschreib*|setze dich hinweg|außer kraft|vorrang vor|beachte nicht|übergeh*|hebt|aufgehoben",
    ),
    (
        "fr",
        "ne valent plus|ne s'appliquent plus|caduc*|nul*|ignore*|oublie*|outrepasse*|ne tiens pas compte|ne tenez pas compte|fais abstraction|faites abstraction|remplace*|passe outre|passez outre|annule*|prévaut|prévalent",
    ),
    (
        "es",
        "ya no valen|ya no aplica*|quedan sin efecto|sin efecto|ignor*|olvida*|olvide|descarta*|haz caso omiso|anula*|pasa por alto|no hagas caso|desatiende|prevalece*|reemplaza*|sustituye*",
    ),
    (
        "pt",
        "já não valem|não valem mais|sem efeito|ignor*|esqueç*|desconsider*|desrespeit*|anul*|prevalec*|substitu*|descart*|sobrep*",
    ),
    (
        "it",
        "non valgono più|non vale più|decadono|ignora*|ignorare|dimentica*|trascura*|annulla*|scavalca*|prevale*|sostitui*|non tenere conto",
    ),
    ("nl", "gelden niet meer|vervallen|negeer*|vergeet|sla geen acht|overschrijf*|overrul*|terzijde|vervang*"),
    (
        "pl",
        "nie obowiązuj*|przestaj* obowiązywać|tracą ważność|zignoruj*|ignoruj*|zapomnij*|pomiń*|nadpisz*|unieważni*|lekceważ*|zastęp*",
    ),
    (
        "ru",
        "не действ*|утратил* силу|больше не имеют|игнорир*|проигнорируй*|забудь*|отмен*|пренебрег*|не обращай внимания|не учитывай*|не следуй*|переопредел*|отбрось*|заменя*",
    ),
    (
        "uk",
        "не діють|втратили чинність|ігнору*|проігнору*|забудь*|скасу*|знехту*|не зважай*|не дотримуйся*|перевизнач*|відкинь*",
    ),
    ("tr", "geçersiz*|hükümsüz*|yok say*|görmezden gel*|unut*|dikkate alma*|geçersiz kıl*|boş ver*|göz ardı*"),
    (
        "zh",
        "失效|不再适用|不再有效|不算数|忽略|无视|無視|忘记|忘記|忘掉|不要理会|不理会|覆盖|覆蓋|取代|推翻|不遵守|作废|绕过|无需遵守|优先于",
    ),
    ("ja", "無効|適用されない|効力を失|無視|忘れ|上書き|従わない|取り消|破棄|優先され|優先する|従うな"),
    ("ko", "무효|적용되지 않|효력|무시|잊어|잊고|덮어쓰|따르지|폐기|우선합니다|우선한다"),
    ("ar", "لاغية|لم تعد سارية|لم تعد|تجاهل|تجاهَل|انس|تجاوز|اهمل|أهمل|ألغ|تلغي|تتجاهل|لا تتبع"),
    ("hi", "अमान्य|लागू नहीं|अनदेखा|नज़रअंदाज़|नजरअंदाज|अनदेखी|भूल*|उपेक्षा|रद्द"),
    ("id", "tidak berlaku|batal|abaikan|mengabaikan|lupakan|kesampingkan|timpa|menggantikan|batalkan"),
    ("vi", "không còn hiệu lực|vô hiệu|bỏ qua|phớt lờ|quên|không tuân|ghi đè|thay thế|làm ngơ|hủy bỏ"),
];

/// Which rules.
pub(super) const PRIOR: Table = &[
    (
        "en",
        "up to here|until now|so far|before this|hitherto|to date|previous|prior|earlier|above|preceding|other|all|any|existing|original|initial|former|system|safety|your|developer|built-in|default|current|conflicting|past|those|security|the user's|user|everything|whatever|given",
    ),
    ("de", "vorherig*|bisherig*|früher*|alle*|obige*|andere*|vorangegangen*|sämtliche*|system*|deine*|ihre"),
    ("fr", "précédent*|antérieur*|toutes|tous|tout|autres|ci-dessus|système|tes|vos|préalable*"),
    ("es", "anterior*|previ*|todas|todos|todo|otras|sistema|tus|demás"),
    ("pt", "anterior*|prévi*|todas|todos|tudo|outras|sistema|suas|demais"),
    ("it", "precedent*|tutte|tutti|tutto|altre|sistema|tue|anterior*"),
    ("nl", "vorige|eerdere|voorgaande|alle|andere|systeem*|je|bovenstaande"),
    ("pl", "poprzedni*|wcześniejsz*|wszystk*|inn*|system*|dotychczasow*|powyższ*"),
    ("ru", "предыдущ*|прежн*|все|всех|други*|системн*|ранее|предшеств*|вышеуказ*|любые"),
    ("uk", "попередн*|всі|усі|інші|системн*|раніше"),
    ("tr", "önceki*|tüm|bütün|diğer*|sistem*|yukarıdaki*|daha önce*"),
    ("zh", "之前|先前|以前|上述|以上|所有|其他|全部|系统|系統|任何|前面|原有|用户"),
    ("ja", "以前|これまで|上記|すべて|全て|他の|システム|前の|先の|既存"),
    ("ko", "이전|앞의|모든|다른|시스템|기존|위의|앞선"),
    ("ar", "السابقة|السابق|جميع|كل|الأخرى|النظام|أعلاه|سابقة"),
    ("hi", "पिछले|पिछली|सभी|अन्य|पूर्व|पहले|सिस्टम|उपरोक्त"),
    ("id", "sebelumnya|semua|lain|sistem|terdahulu|di atas|lainnya"),
    ("vi", "trước đó|trước đây|tất cả|khác|hệ thống|trước|ở trên|mọi"),
];

/// Instructions as things.
pub(super) const RULES: Table = &[
    (
        "en",
        "said to you|told you|was said|you have learned|you learned|instructed earlier|your training|you received|terms you were given|asked of you|user asked|user wants|guardrail|instructions|instruction|rules|guidelines|guideline|directives|directive|prompts|system prompt|orders|policies|safety policy|constraints|guidance|safety training|system message|programming|commands you|commands given|restrictions|system-level|safeguards|guardrails|user's request|user request|user's wishes|user's preferences|you were told|you have been told|you've been told|been given|told before|said before|told earlier",
    ),
    (
        "de",
        "vorschriften|was dir gesagt|gesagte|auflagen|anweisung*|instruktion*|regeln|richtlinien|vorgaben|befehle|prompt*",
    ),
    ("fr", "ce qu'on t'a dit|ce qui précède|recommandations|instruction*|consigne*|règles|directives|ordres|prompt*"),
    (
        "es",
        "lo que se te|indicó|lo que te dijeron|instruccion*|instrucción|reglas|directrices|indicaciones|órdenes|directivas|prompt*|normas",
    ),
    (
        "pt",
        "o que foi dito|o que lhe disseram|instruç*|instruções|regras|diretrizes|ordens|orientações|prompt*|diretivas",
    ),
    ("it", "ciò che ti è stato detto|quanto detto|istruzion*|regole|direttive|linee guida|ordini|prompt*|indicazioni"),
    ("nl", "wat je is verteld|opdracht*|instructie*|regels|richtlijnen|opdrachten|prompt*|aanwijzingen"),
    ("pl", "instrukcj*|zasad*|polece*|wytyczn*|reguł*|prompt*|dyrektyw*"),
    (
        "ru",
        "сказанн*|предписан*|то, что тебе|инструкци*|правил*|указани*|директив*|команд*|промпт*|распоряжен*|установк*",
    ),
    ("uk", "інструкці*|правил*|вказівк*|директив*|команд*|промпт*|настанов*"),
    ("tr", "talimat*|kural*|yönerge*|komut*|istem*"),
    ("zh", "规定|要求|安排|约定|吩咐|说过的|指令|规则|規則|指示|提示词|提示|命令|准则|準則|约束|说明"),
    ("ja", "規定|取り決め|言われたこと|指示|ルール|規則|命令|プロンプト|ガイドライン"),
    ("ko", "규정|요청|약속|지시|규칙|명령|지침|프롬프트"),
    ("ar", "ما قيل لك|كل ما قيل|التعليمات|تعليمات|القواعد|الأوامر|التوجيهات|الإرشادات"),
    ("hi", "निर्देश*|नियम*|आदेश*|दिशानिर्देश*|हिदायत*"),
    ("id", "instruksi|aturan|perintah|pedoman|arahan|petunjuk"),
    ("vi", "chỉ dẫn|hướng dẫn|quy tắc|lệnh|chỉ thị|quy định"),
];

/// A new role or state for the model.
pub(super) const TAKEOVER: Table = &[
    (
        "en",
        "no longer an assistant|no longer work for|you're no longer|you are no longer|you work for|you serve|you belong to|your operator|your owner is|your new|your loyalty|you answer to|whose wishes|is your principal|your principal|on behalf of this server|from now on|from this point on|from this point forward|from this moment|going forward you|henceforth|you are now|new instructions|updated instructions|your new task|your new role|your new instructions|your real task|your actual task|your true|your primary directive|new directive|new system prompt|system override|developer mode|debug mode enabled|god mode|admin mode|jailbreak|jailbroken|dan mode|unrestricted mode|maintenance mode|for the rest of this conversation|for the rest of the conversation|for the remainder of|for the remainder of the session|in all future|for all future|all subsequent|in every subsequent|rest of the session|throughout this session|until the session ends|act as an unrestricted|act as root|enter a mode|switch to a mode|you have been upgraded|end of system prompt|begin new instructions|end of description|end of tool description|system update|policy update|system notice|core directive|supersede",
    ),
    ("de", "künftig|fortan|ab jetzt|ab sofort|von nun an|du bist jetzt|du bist nun|neue anweisung*|entwicklermodus"),
    (
        "fr",
        "désormais tu|à compter de|à partir de maintenant|désormais|dorénavant|tu es maintenant|vous êtes maintenant|nouvelles instructions|mode développeur",
    ),
    (
        "es",
        "en adelante|de aquí en adelante|a partir de ahora|de ahora en adelante|ahora eres|desde ahora|nuevas instrucciones|modo desarrollador",
    ),
    (
        "pt",
        "daqui em diante|daqui para frente|a partir de agora|de agora em diante|agora você é|doravante|novas instruções|modo desenvolvedor",
    ),
    ("it", "d'ora in poi|da ora in poi|da adesso|ora sei|nuove istruzioni|modalità sviluppatore"),
    ("nl", "vanaf nu|voortaan|je bent nu|nieuwe instructies|ontwikkelaarsmodus"),
    ("pl", "od teraz|od tej pory|jesteś teraz|nowe instrukcje|tryb dewelopera|tryb programisty"),
    ("ru", "с этого момента|отныне|теперь ты|с этой минуты|новые инструкции|режим разработчика"),
    ("uk", "відтепер|з цього моменту|тепер ти|нові інструкції|режим розробника"),
    ("tr", "bundan sonra|şu andan itibaren|artık sen|yeni talimat*|geliştirici modu"),
    (
        "zh",
        "从此以后|从此|往后|自此|从现在开始|從現在開始|从现在起|從現在起|现在你是|你现在是|你現在是|新的指令|新指令|开发者模式|今后",
    ),
    ("ja", "以降|これ以降|今から|これから|今後は|あなたは今|新しい指示|開発者モード|以後"),
    ("ko", "이후로|앞으로|지금부터|이제부터|앞으로는|이제 당신은|당신은 이제|새로운 지시|개발자 모드"),
    ("ar", "من الآن فصاعدا|من الآن فصاعدًا|من الآن|أنت الآن|تعليمات جديدة|وضع المطور"),
    ("hi", "अब से|अब आप|अभी से|नए निर्देश|डेवलपर मोड"),
    ("id", "mulai sekarang|sekarang kamu adalah|sekarang anda adalah|instruksi baru|mode pengembang"),
    ("vi", "từ bây giờ|kể từ bây giờ|từ nay|bây giờ bạn là|chỉ dẫn mới|hướng dẫn mới|chế độ nhà phát triển"),
];

/// Markup and headings that claim another author.
pub(super) const AUTHORITY: Table = &[
    (
        "*",
        "<important*|</important*|<system*|</system*|<hidden*|</hidden*|<secret*|<instruction*|</instruction*|<admin>|<critical>|<override*|<assistant>|<priority>|<directive*|<internal>|<private>|<ai>|<llm>|<model>|<agent>|<rules>|<policy>|<security>|<mandatory>|<compliance>|<required>|<note_to*|<sys>|<admin_note*|<system_*|<ai_*|<llm_*|<agent_instr*|<model_instr*|<im_start|<¦im_start*|<¦im_end*|<¦system*|<¦assistant*|<¦user*|<¦endoftext*|<¦start_header*|<¦eot_id*|<start_of_turn*|[system]|[/system]|[system*|[inst]|[/inst]|<<sys>>|[important]|[hidden]|[admin]|[instruction*|[internal*|[override*|[critical]|[secret]|[assistant*|[ai*|[model*|[llm*|[priority*|[developer*|### system|### instruction*|###system|###instruction*|## system|## instruction*|# hidden|system:|system prompt:|assistant:|developer:|system message:|system note:|begin system|end system|{{system|{system}|@@system|%%system|---system|=== system|==system|<!--",
    ),
    (
        "en",
        "note to the model|note to model|note to ai|note to the ai|note to assistant|note to the assistant|note for the model|note for the assistant|note for ai|note for llm|note to llm|instruction for the model|instructions for the model|instructions for the assistant|instructions for ai|instructions for the ai|instructions for llm*|message from the developer|message from the system|message to the model|message to the assistant|attention ai|attention assistant|attention model|attention llm|dear ai|dear assistant|dear model|hey ai|hey assistant|for ai assistants|for ai agents|for the ai|for llms only|for agents only|for the model's|if you are an ai|if you are a language model|if you're an ai|as an ai agent reading|ai agents reading|assistants reading this|agents reading this|models reading this|internal directive|system directive|security directive|admin instruction|administrator instruction|operator instruction|agent instruction*|assistant instruction*|model instruction*|hidden instruction*|by order of",
    ),
    (
        "de",
        "hinweis an das modell|anweisung für das modell|hinweis für die ki|anweisung an die ki|an die ki|an den assistenten|systemhinweis|für ki-assistenten",
    ),
    (
        "fr",
        "note à l'assistant|note au modèle|instruction pour le modèle|instructions pour l'assistant|à l'attention de l'ia|note pour l'ia|message système",
    ),
    (
        "es",
        "nota para el modelo|nota para el asistente|instrucción para el modelo|instrucciones para el asistente|para la ia|mensaje del sistema",
    ),
    (
        "pt",
        "nota para o modelo|nota para o assistente|instruções para o modelo|instruções para o assistente|para a ia|mensagem do sistema",
    ),
    ("it", "nota per il modello|nota per l'assistente|istruzioni per il modello|istruzioni per l'assistente|per l'ia"),
    ("nl", "opmerking voor het model|instructie voor het model|voor de ai|voor de assistent"),
    ("pl", "uwaga dla modelu|instrukcja dla modelu|uwaga dla asystenta|instrukcje dla asystenta|dla modelu ai"),
    (
        "ru",
        "примечание для модели|инструкция для модели|инструкции для модели|для ассистента|для ии|для модели|системное сообщение|сообщение системы",
    ),
    ("uk", "примітка для моделі|інструкція для моделі|для асистента|для ші|системне повідомлення"),
    (
        "tr",
        "modele not|asistana not|yapay zekaya not|model için talimat|asistan için talimat|sistem mesajı|sistem notu",
    ),
    ("zh", "系统指令|系統指令|给模型的|给助手的|給模型的|給助手的|致ai|致模型|ai助手请注意|系统通知|系統通知"),
    ("ja", "モデルへの指示|アシスタントへの指示|aiへの|モデルへ|アシスタントへ|システム指示|システムメッセージ"),
    ("ko", "모델에게|어시스턴트에게|ai에게|시스템 지시|시스템 메시지|시스템 알림"),
    ("ar", "ملاحظة للنموذج|تعليمات للنموذج|إلى المساعد|رسالة النظام|تعليمات للمساعد|توجيه للنموذج"),
    ("hi", "मॉडल के लिए|सहायक के लिए|एआई के लिए|सिस्टम संदेश|सिस्टम निर्देश"),
    ("id", "catatan untuk model|instruksi untuk model|untuk asisten|untuk ai|pesan sistem"),
    ("vi", "ghi chú cho mô hình|hướng dẫn cho mô hình|dành cho trợ lý|dành cho ai|thông báo hệ thống"),
];

/// Against the user's will.
pub(super) const REGARDLESS: Table = &[
    (
        "en",
        "whatever the user|whatever they|whatever is asked|whoever asks|as though it were not|as though they were not|regardless of what|regardless of the user|regardless of user|regardless of any|regardless of whether|no matter what|no matter how|even if the user|even if they|even if the request|even if it seems|even if instructed|even when the user|even when asked not|against the user|despite the user|despite any|whether or not the user|irrespective of|even if told|even if asked not|even without being asked|even if not asked|unprompted|without being asked|instead of what the user|rather than what the user",
    ),
    ("de", "unabhängig davon|egal was|auch wenn der nutzer|auch wenn der benutzer|selbst wenn"),
    ("fr", "quoi que|même si l'utilisateur|indépendamment de|peu importe"),
    ("es", "independientemente de|aunque el usuario|incluso si el usuario|sin importar|diga lo que diga"),
    ("pt", "independentemente d*|mesmo que o usuário|mesmo se o usuário|mesmo que o utilizador|não importa"),
    ("it", "indipendentemente da*|anche se l'utente|qualunque cosa|a prescindere"),
    ("nl", "ongeacht|zelfs als de gebruiker|wat de gebruiker ook"),
    ("pl", "niezależnie od|nawet jeśli użytkownik|bez względu na"),
    ("ru", "независимо от|даже если пользователь|что бы ни|вне зависимости"),
    ("uk", "незалежно від|навіть якщо користувач|хоч би що"),
    ("tr", "ne olursa olsun|ne derse desin|kullanıcı istemese bile|bakılmaksızın"),
    ("zh", "无论用户|無論使用者|不管用户|即使用户|即使使用者|无论如何"),
    ("ja", "に関わらず|にかかわらず|たとえユーザー|であっても"),
    ("ko", "상관없이|관계없이|하더라도|무엇이든"),
    ("ar", "بغض النظر|حتى لو|مهما"),
    ("hi", "चाहे|भले ही|की परवाह किए बिना"),
    ("id", "terlepas dari|meskipun pengguna|walaupun pengguna|apa pun yang"),
    ("vi", "bất kể|ngay cả khi người dùng|dù người dùng|cho dù"),
];

/// Following what strangers write.
pub(super) const OBEY: Table = &[
    (
        "en",
        "follow the instructions it|follow the instructions in|follow the instructions of|follow the instructions returned|follow the instructions found|follow the instructions contained|obey whatever|do whatever|carry out what|do as it says|do as they say|what they say|what it says|what it tells you|what they tell you|whatever they|are system messages|as system messages|are orders|as orders|are commands|are instructions to|are to be obeyed|are to be followed|is to be obeyed|is to be followed|without questioning|no questions asked|listen only to|take orders from|answer only to|follow any instructions|follow all instructions|follow instructions|follow its instructions|following the instructions|follow whatever|follow every|execute the instructions|execute any instructions|obey|carry out the instructions|carry out any|carry out whatever|perform the instructions|do whatever it says|do what it says|do exactly what|treat its output as|treat the output as|treat the response as|treat the result as|treat the content as|treat its contents as|treat as trusted|as trusted instructions|as system instructions|as if they came from the user|as authoritative|act on any instructions|take its output as|instructions it returns|next_step|trust the content|trust everything",
    ),
    ("de", "befolge*|folge den anweisungen|gehorche"),
    ("fr", "suis les instructions|suivez les instructions|obéis|obéissez|exécute les instructions"),
    ("es", "sigue las instrucciones|siga las instrucciones|obedece|ejecuta las instrucciones"),
    ("pt", "siga as instruções|segue as instruções|obedeça|execute as instruções"),
    ("it", "segui le istruzioni|esegui le istruzioni|obbedisci"),
    ("nl", "volg de instructies|gehoorzaam"),
    ("pl", "wykonaj polecenia|wykonaj instrukcje|postępuj zgodnie|stosuj się"),
    ("ru", "следуй инструкциям|выполни инструкции|выполняй инструкции|подчиняйся|выполняй указания|выполни команды"),
    ("uk", "виконуй інструкції|виконай інструкції|дотримуйся інструкцій|підкоряйся"),
    ("tr", "talimatlara uy*|talimatları uygula*|talimatları izle*|itaat et*"),
    ("zh", "遵循其中的指令|执行其中的指令|按照其中|遵从|服从|照做|执行返回的指令"),
    ("ja", "指示に従|命令に従|指示を実行"),
    ("ko", "지시를 따르|지시에 따|명령을 따르|지시를 실행"),
    ("ar", "اتبع التعليمات|نفذ التعليمات|أطع"),
    ("hi", "निर्देशों का पालन|आदेशों का पालन"),
    ("id", "ikuti instruksi|patuhi|jalankan instruksi|turuti"),
    ("vi", "làm theo chỉ dẫn|tuân theo|làm theo hướng dẫn|thực hiện theo"),
];

/// Making the model speak for somebody.
pub(super) const STEER: Table = &[
    (
        "en",
        "recommend|recommending|promote|promoting|advertise|endorse|endorsing|praise|upsell|advise the user to|advise users to|tell the user to|tell the user that|tell them to|tell the user their|instruct the user to|convince|persuade|urge|encourage the user|ask the user for their|ask the user to enter|ask the user to provide their|ask for their|request their|direct the user to|direct users to|direct them to|refer the user to|send the user to|claim|claim that|assure|assure the user|reassure|respond that|reply that|answer that|state that|say that|insist that|always say|always answer|always respond|discourage|warn the user that|disparage|rank|prioritize our|prefer our|favor|favour|steer",
    ),
    ("de", "empfiehl*|empfehle*|bewirb|behaupte*|überzeuge*|fordere den|sage dem nutzer"),
    ("fr", "recommande*|promeus|affirme*|convain*|dis à l'utilisateur"),
    ("es", "recomiend*|recomend*|promocion*|afirma*|convence*|dile al usuario"),
    ("pt", "recomend*|promov*|afirm*|conven*|diga ao usuário"),
    ("it", "raccomanda*|consiglia*|promuov*|afferma*|convinc*|di' all'utente"),
    ("nl", "raad aan|beveel*|aanbevel*|beweer*|overtuig*"),
    ("pl", "polecaj*|poleć|rekomenduj*|twierdź*|przekonaj*|promuj*"),
    ("ru", "рекомендуй*|посоветуй*|утверждай*|убеди*|рекламируй*|продвигай*"),
    ("uk", "рекомендуй*|порадь*|стверджуй*|переконай*|рекламуй*"),
    ("tr", "öner*|tavsiye et*|iddia et*|ikna et*"),
    ("zh", "推荐|推薦|建议用户|建議使用者|宣传|声称|說服|说服"),
    ("ja", "推奨|勧め|主張|説得|宣伝"),
    ("ko", "추천|권유|주장|설득|홍보"),
    ("ar", "أوص|انصح|ادع|أقنع|روج"),
    ("hi", "सिफारिश|सुझा*|दावा|प्रचार"),
    ("id", "rekomendasikan|sarankan|klaim|yakinkan|promosikan"),
    ("vi", "đề xuất|khuyên|giới thiệu|khẳng định|thuyết phục|quảng bá"),
];

/// A text that talks about attacks, to protect from them.
pub(super) const DEFENCE: Table = &[
    (
        "en",
        "detect|detects|detecting|detection|scan for|scans for|scanner|scanning|identify|identifies|flag text|flags|classifies|classify|checks for|check for|check whether|find leaked|finds|looks for|warn about|warns about|protect|protects|protection against|prevent|prevents|block|blocks|sanitize|sanitizes|sanitise|redact|redacts|redaction|masks|audit|audits|lint|lints|reports whether|report whether|reports if|returns whether|test cases|examples of|such as|known patterns|injection attempts|prompt injection|rotate|rotates|revoke|revokes|for security reasons|is never|are never|is not|never leaves|strips|removes|filters out|guard|moderation",
    ),
    ("de", "erkenn*|prüft|warnt|schützt|filtert"),
    ("fr", "détecte|protège|vérifie|filtre|repère|signale"),
    ("es", "detecta|protege|verifica|filtra"),
    ("pt", "detecta|protege|verifica|filtra"),
    ("it", "rileva|protegge|verifica|filtra"),
    ("ru", "обнаружива*|выявля*|защища*|проверяет"),
    ("zh", "检测|檢測|防止|保护|识别|識別|培训|培訓|提示词注入|提示詞注入|防御"),
    ("ja", "検出|防止|保護"),
    ("ko", "탐지|감지|방지|보호"),
];
