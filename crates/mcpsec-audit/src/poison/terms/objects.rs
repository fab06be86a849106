//! Words for what is taken and where it goes: secrets, conversations, data, parameters, addresses, replies, money.
use super::Table;

/// Files and stores of secrets. Whoever names one to a model had better be a tool for it.
pub(super) const SECRET: Table = &[
    (
        "*",
        ".ssh|id_rsa*|id_ed25519*|id_ecdsa*|id_dsa|authorized_keys|known_hosts|.aws/credentials|.aws/config|.aws|.netrc|_netrc|.pgpass|.my.cnf|.npmrc|.pypirc|.gem/credentials|.cargo/credentials*|.docker/config.json|.kube/config|kubeconfig|.git-credentials|.gitconfig|.config/gh|gh/hosts.yml|.config/gcloud|application_default_credentials*|.azure|accesstokens.json|.gnupg|secring*|/etc/passwd|/etc/shadow|/etc/sudoers|sam hive|ntds.dit|/proc/self/environ|/proc/*/environ|mcp.json|mcp_config.json|mcp-config.json|mcp_settings.json|mcp.toml|claude_desktop_config*|.claude.json|.claude/*|.cursor/*|.cursor|.codeium|.vscode/mcp.json|.codex/*|.gemini/*|.bash_history|.zsh_history|.bashrc|.zshrc|.profile|shell history|login data|logins.json|key4.db|cookies.sqlite|cookie jar|local state|wallet.dat|.electrum|keystore file|.env|.env.local|.env.production|dotenv|.envrc|secrets.yaml|secrets.yml|secrets.json|secrets.toml|credentials.json|credentials.csv|credentials.yml|credentials.xml|service-account.json|service_account.json|token.json|tokens.json|auth.json|.htpasswd|terraform.tfstate|.tfvars|.vault-token|.boto|.s3cfg|.rclone.conf|rclone.conf|1password|lastpass|bitwarden|keepass*|.kdbx|login.keychain*|keychain-db|libsecret|gnome-keyring|.pem|.p12|.pfx|.ppk|.key file|printenv|process.env|os.environ",
    ),
    (
        "en",
        "environment of the|environment of this|folder with keys|including those with keys|browser passwords|trading password|cookies of the|the browser's cookies|session tokens|login data|stored logins|saved logins|password vault|crypto wallets|wallets|private key|private keys|ssh key|ssh keys|signing key|signing keys|gpg key|pgp key|secret key file|keychain|keyring|key ring|seed phrase|recovery phrase|mnemonic phrase|wallet keys|credential store|credentials store|credential file|credentials file|credentials files|credential files|password file|password store|password manager|saved passwords|stored passwords|stored credentials|saved credentials|browser cookies|session cookies|browser passwords|environment variables|env variables|env vars|process environment|shell environment|environment dump|cloud credentials|aws credentials|cloud metadata|instance metadata|169.254.169.254|master password|secrets file|secret files|secrets manager|key files|key file|key material|auth tokens|api keys and|dotfiles|home directory for|config files of other|mcp configuration|mcp config|mcp settings|client configuration|oauth tokens|deploy key|deploy keys|production database password|ssh config|ssh private|ssh public|ssh directory|ssh folder|login keychain|confidential files|confidential information|secrets stored",
    ),
    (
        "de",
        "private* schlüssel*|ssh-schlüssel*|schlüsseldatei*|schlüsselbund|umgebungsvariable*|passwortdatei*|passwortmanager|gespeicherte* passwört*|zugangsdatendatei|zugangsdaten",
    ),
    (
        "fr",
        "clé privée|clés privées|clé ssh|clés ssh|trousseau|variables d'environnement|fichier de mots de passe|identifiants enregistrés|mots de passe enregistrés|fichier d'identifiants",
    ),
    (
        "es",
        "clave privada|claves privadas|clave ssh|claves ssh|llave privada|llaves privadas|llavero|variables de entorno|archivo de credenciales|contraseñas guardadas|fichero de credenciales|frase semilla",
    ),
    (
        "pt",
        "chave privada|chaves privadas|chave ssh|chaves ssh|variáveis de ambiente|arquivo de credenciais|ficheiro de credenciais|senhas salvas|frase semente",
    ),
    (
        "it",
        "chiave privata|chiavi private|chiave ssh|chiavi ssh|portachiavi|variabili d'ambiente|variabili di ambiente|file delle credenziali|password salvate",
    ),
    (
        "nl",
        "privésleutel*|private sleutel*|ssh-sleutel*|sleutelhanger|omgevingsvariabelen|wachtwoordbestand*|opgeslagen wachtwoord*|sleutelbestand*",
    ),
    (
        "pl",
        "klucz* prywatn*|klucz prywatny|klucza prywatnego|klucze prywatne|klucz ssh|klucza ssh|klucze ssh|kluczy ssh|zmienne środowiskowe|zmiennych środowiskowych|pęk kluczy|zapisane hasła",
    ),
    (
        "ru",
        "приватный ключ|приватные ключи|приватного ключа|закрытый ключ|закрытого ключа|закрытые ключи|секретный ключ|ssh-ключ*|ключ ssh|ключи ssh|переменные окружения|переменных окружения|переменными окружения|связк* ключей|файл паролей|сохраненные пароли|сохранённые пароли|сид-фраз*",
    ),
    (
        "uk",
        "приватний ключ|приватні ключі|приватного ключа|закритий ключ|ssh-ключ*|ключ ssh|ключі ssh|змінні середовища|змінних середовища|збережені паролі",
    ),
    (
        "tr",
        "özel anahtar*|ssh anahtar*|ortam değişken*|anahtarlık|kayıtlı parola*|kayıtlı şifre*|kimlik bilgileri dosya*",
    ),
    (
        "zh",
        "私钥|私鑰|密钥文件|密鑰檔|金鑰檔案|环境变量|環境變數|钥匙串|鑰匙圈|凭据文件|凭证文件|助记词|助記詞|密码文件|保存的密码|ssh密钥|ssh 密钥|ssh金鑰|ssh 金鑰",
    ),
    (
        "ja",
        "秘密鍵|ssh鍵|ssh キー|sshキー|環境変数|キーチェーン|認証情報ファイル|保存されたパスワード|シードフレーズ|鍵ファイル",
    ),
    (
        "ko",
        "개인 키|개인키|비밀 키|비밀키|ssh 키|ssh키|환경 변수|환경변수|키체인|자격 증명 파일|저장된 비밀번호|시드 문구|니모닉",
    ),
    (
        "ar",
        "المفتاح الخاص|المفاتيح الخاصة|مفتاح خاص|مفتاح ssh|مفاتيح ssh|متغيرات البيئة|سلسلة المفاتيح|ملف بيانات الاعتماد|كلمات المرور المحفوظة",
    ),
    ("hi", "निजी कुंजी|प्राइवेट की|ssh कुंजी|पर्यावरण चर|एनवायरनमेंट वेरिएबल|कीचेन|सहेजे गए पासवर्ड"),
    (
        "id",
        "kunci privat|kunci pribadi|kunci ssh|variabel lingkungan|file kredensial|berkas kredensial|kata sandi tersimpan|frasa pemulihan",
    ),
    (
        "vi",
        "khóa riêng|khoá riêng|khóa bí mật|khóa cá nhân|khóa ssh|khoá ssh|biến môi trường|tệp thông tin đăng nhập|mật khẩu đã lưu|tệp thông tin xác thực",
    ),
];

/// Words for secrets that honest parameters use too.
pub(super) const CREDENTIAL: Table = &[
    (
        "en",
        "password|passwords|passphrase|credential|credentials|secret|secrets|api key|api keys|api-key|api_key|apikey|access token|access tokens|auth token|bearer token|token|tokens|access key|access keys|session cookie|session id|cookie|cookies|credit card|card number|cvv|social security|ssn|bank account|pin code|one-time code|one time code|otp|2fa|mfa code|verification code|login details|personal data|sensitive|confidential|private data|personally identifiable|pii|medical record|passport number|private messages|private repositories|private repos|private files|salary|financial records",
    ),
    (
        "de",
        "passwort*|passwörter*|kennwort*|zugangsdaten|anmeldedaten|geheimnis*|api-schlüssel*|token*|kreditkarte*|vertraulich*",
    ),
    (
        "fr",
        "mot de passe|mots de passe|identifiant*|secrets|clé api|clés api|clé d'api|jeton*|token*|carte bancaire|confidentiel*",
    ),
    (
        "es",
        "contraseña*|credencial*|secretos|clave api|claves api|clave de api|claves de api|token*|tarjeta de crédito|confidencial*",
    ),
    (
        "pt",
        "senha*|credencia*|segredos|chave de api|chaves de api|chave api|chaves api|token*|cartão de crédito|confidencia*|palavra-passe",
    ),
    ("it", "password|credenziali|segreti|chiave api|chiavi api|token*|carta di credito|riservat*"),
    ("nl", "wachtwoord*|inloggegevens|geheimen|api-sleutel*|token*|creditcard*|vertrouwelijk*"),
    (
        "pl",
        "hasł*|hasła|haseł|poświadcze*|sekrety|klucz api|klucze api|kluczy api|token*|kart* kredytow*|poufn*|dane logowania|danych logowania",
    ),
    (
        "ru",
        "парол*|учётные данные|учетные данные|учётных данных|учетных данных|секрет*|api-ключ*|ключ api|ключи api|токен*|кредитн* карт*|конфиденциальн*",
    ),
    ("uk", "парол*|облікові дані|облікових даних|секрет*|api-ключ*|ключ api|ключі api|токен*|конфіденційн*"),
    ("tr", "parola*|şifre*|kimlik bilgi*|sır*|api anahtar*|token*|belirteç*|kredi kart*|gizli bilgi*"),
    ("zh", "密码|密碼|凭据|憑據|凭证|憑證|密钥|密鑰|金鑰|令牌|口令|机密|機密|信用卡|敏感信息|敏感资料"),
    ("ja", "パスワード|認証情報|資格情報|apiキー|api キー|トークン|クレジットカード|機密"),
    ("ko", "비밀번호|자격 증명|자격증명|인증 정보|인증정보|api 키|api키|토큰|신용카드|기밀|민감한"),
    (
        "ar",
        "كلمة المرور|كلمات المرور|كلمة السر|بيانات الاعتماد|بيانات الدخول|مفتاح api|مفاتيح api|رمز الوصول|رموز الوصول|الأسرار|بطاقة الائتمان",
    ),
    ("hi", "पासवर्ड|क्रेडेंशियल|प्रमाण-पत्र|एपीआई कुंजी|api कुंजी|टोकन|गोपनीय|क्रेडिट कार्ड"),
    ("id", "kata sandi|sandi|kredensial|kunci api|token|rahasia|kartu kredit"),
    ("vi", "mật khẩu|thông tin đăng nhập|thông tin xác thực|khóa api|khoá api|mã thông báo|token|thẻ tín dụng"),
];

/// What the model was told and said.
pub(super) const TALK: Table = &[
    (
        "en",
        "what people write|what the user writes|what users write|what the user types|what is typed|what was typed|what the user typed|what the user asked|what was discussed|discussion it had|discussion you had|discussion so far|what has been said|line of the conversation|things the user told|instructions you were given|rules you were given|system prompt|system prompts|system message|system instructions|developer message|developer prompt|initial prompt|initial instructions|original prompt|your instructions|your prompt|your system|conversation|conversation history|conversation so far|conversation log|conversation context|chat history|chat log|chat transcript|chat so far|message history|messages so far|previous messages|prior messages|earlier messages|last messages|recent messages|past messages|user messages|user's messages|user's message|user's prompt|user prompt|user's last|user's original|user's query|user's question|user's request|user's files|user's code|user's data|user's emails|user's documents|original query|original request|full transcript|transcript|dialogue|dialog history|session history|session transcript|context window|full context|entire context|current context|whole context|chain of thought|chain-of-thought|your reasoning|reasoning trace|your thoughts|internal reasoning|scratchpad|your memory|memories|everything the user|what the user said|everything said|what the user has|list of your tools|list of available tools|available tools|tool list|all tools available|tool definitions|tool descriptions|other tools' results|results of previous|previous tool results|previous tool calls|earlier tool|outputs of other",
    ),
    (
        "de",
        "systemprompt*|system-prompt*|systemanweisung*|gesprächsverlauf*|gespräch*|unterhaltung*|chatverlauf*|konversation*|bisherige* nachrichten|nachrichtenverlauf*|kontextfenster*|dialog*",
    ),
    (
        "fr",
        "prompt système|invite système|historique de la conversation|historique de conversation|historique du chat|conversation|messages précédents|l'historique|instructions système",
    ),
    (
        "es",
        "prompt del sistema|mensaje del sistema|instrucciones del sistema|historial de la conversación|historial de conversación|historial del chat|historial|conversación|mensajes anteriores",
    ),
    (
        "pt",
        "prompt do sistema|prompt de sistema|mensagem do sistema|instruções do sistema|histórico da conversa|histórico de conversa|histórico|conversa|mensagens anteriores",
    ),
    (
        "it",
        "prompt di sistema|istruzioni di sistema|cronologia della conversazione|cronologia|conversazione|messaggi precedenti",
    ),
    (
        "nl",
        "systeemprompt*|systeeminstructie*|gespreksgeschiedenis|gesprek|chatgeschiedenis|conversatie|eerdere berichten",
    ),
    (
        "pl",
        "prompt systemowy|promptu systemowego|instrukcje systemowe|historia rozmowy|historię rozmowy|historii rozmowy|rozmow*|konwersacj*|poprzednie wiadomości|historię czatu",
    ),
    (
        "ru",
        "системный промпт|системного промпта|системную подсказку|системное сообщение|история переписки|историю переписки|историю диалога|истории диалога|история диалога|переписк*|диалог*|разговор*|историю чата|предыдущие сообщения|беседы|беседу",
    ),
    (
        "uk",
        "системний промпт|системного промпту|історія розмови|історію розмови|історію діалогу|історію чату|розмов*|діалог*|листуванн*|попередні повідомлення",
    ),
    (
        "tr",
        "sistem istemi*|sistem mesaj*|sistem talimat*|konuşma geçmiş*|sohbet geçmiş*|konuşma*|sohbet*|önceki mesaj*",
    ),
    (
        "zh",
        "系统提示|系統提示|系统消息|对话历史|對話歷史|对话记录|對話記錄|聊天记录|聊天記錄|聊天历史|完整对话|全部对话|整个对话|对话内容|對話內容|会话历史|会话内容|之前的消息|上下文",
    ),
    (
        "ja",
        "システムプロンプト|会話履歴|会話の履歴|チャット履歴|会話全体|会話内容|会話の内容|これまでの会話|以前のメッセージ|会話",
    ),
    ("ko", "시스템 프롬프트|시스템 메시지|대화 기록|대화 내역|대화 내용|채팅 기록|전체 대화|이전 메시지|대화"),
    ("ar", "موجه النظام|تعليمات النظام|رسالة النظام|سجل المحادثة|تاريخ المحادثة|المحادثة|سجل الدردشة|الرسائل السابقة"),
    ("hi", "सिस्टम प्रॉम्प्ट|बातचीत|वार्तालाप|चैट इतिहास|पिछले संदेश|संवाद"),
    ("id", "prompt sistem|riwayat percakapan|percakapan|riwayat obrolan|riwayat chat|pesan sebelumnya"),
    (
        "vi",
        "lời nhắc hệ thống|nhắc hệ thống|lịch sử hội thoại|lịch sử trò chuyện|cuộc trò chuyện|hội thoại|tin nhắn trước",
    ),
];

/// What is passed on.
pub(super) const DATA: Table = &[
    (
        "en",
        "contents|content|its contents|full text|copy of|a copy|copies|results|result|data|output|everything|all emails|all messages|emails|messages|documents|files|file|source code|history|records|attachments|payload|payloads|raw text|base64|inputs|arguments|parameters|query|queries|prompt|information|details|summary|its value|their values|values",
    ),
    ("de", "inhalt*|kopie*|ergebnis*|daten|datei*|nachrichten"),
    ("fr", "contenu*|copie*|résultat*|données|fichier*|messages"),
    ("es", "contenido*|copia*|resultado*|datos|archivo*|fichero*|mensajes"),
    ("pt", "conteúdo*|cópia*|resultado*|dados|arquivo*|ficheiro*|mensagens"),
    ("it", "contenut*|copia*|risultat*|dati|file|messaggi"),
    ("nl", "inhoud|kopie*|resulta*|gegevens|bestand*|berichten"),
    ("pl", "zawartoś*|treś*|kopi*|wynik*|dane|danych|plik*|wiadomości"),
    ("ru", "содержим*|копи*|результат*|данны*|файл*|сообщени*|текст"),
    ("uk", "вміст*|копі*|результат*|дані|даних|файл*|повідомлен*"),
    ("tr", "içeri*|kopya*|sonuç*|veri*|dosya*|mesaj*"),
    ("zh", "内容|內容|副本|结果|結果|数据|數據|資料|文件|檔案|消息"),
    ("ja", "内容|中身|コピー|結果|データ|ファイル|メッセージ|全文"),
    ("ko", "내용|사본|결과|데이터|파일|메시지"),
    ("ar", "محتوى|محتويات|محتواه|نسخة|نتائج|البيانات|ملف|الملف|الرسائل"),
    ("hi", "सामग्री|प्रति|परिणाम|डेटा|फ़ाइल|फाइल|संदेश"),
    ("id", "isi|salinan|hasil|data|file|berkas|pesan|konten"),
    ("vi", "nội dung|bản sao|kết quả|dữ liệu|tệp|tập tin|tin nhắn"),
];

/// Into a parameter.
pub(super) const SLOT: Table = &[
    (
        "en",
        "parameter|param|argument|field|header|query string|property|input field|metadata|as the value|commit message|file name|filename|subdomain|url path|hidden field|in this tool|to this tool|into this tool|through this tool|in the body|into the body|tags|the note|notes",
    ),
    ("de", "parameter*|feld*|argument*"),
    ("fr", "paramètre*|champ*|argument*"),
    ("es", "parámetro*|campo*|argumento*"),
    ("pt", "parâmetro*|campo*|argumento*"),
    ("it", "parametro|campo|argomento"),
    ("nl", "parameter*|veld*|argument*"),
    ("pl", "parametr*|pol*|argument*"),
    ("ru", "параметр*|поле|поля|аргумент*"),
    ("uk", "параметр*|поле|поля|аргумент*"),
    ("tr", "parametre*|alan*|argüman*"),
    ("zh", "参数|參數|字段|欄位|参数中"),
    ("ja", "パラメータ|パラメーター|引数|フィールド|欄"),
    ("ko", "매개변수|파라미터|필드|인수|인자"),
    ("ar", "المعلمة|معامل|الحقل|حقل|معلمة|الوسيط"),
    ("hi", "पैरामीटर|फ़ील्ड|फील्ड|तर्क"),
    ("id", "parameter|kolom|argumen|bidang"),
    ("vi", "tham số|trường|đối số"),
];

/// To somewhere else. Addresses themselves are found by form.
pub(super) const CHANNEL: Table = &[
    (
        "en",
        "webhook|web hook|remote server|external server|our server|our endpoint|external endpoint|remote endpoint|endpoint|collector|collection server|third party|third-party|pastebin|gist|public repository|public repo|external address|our address|this address|following address|following url|audit server|logging server|telemetry|backup server|attacker|drop box|ngrok*|requestbin|burp*|discord|telegram bot|telegram|slack webhook|dns query|dns lookup|outside|offsite",
    ),
    ("de", "externen server|server|adresse"),
    ("fr", "serveur|adresse"),
    ("es", "servidor|dirección"),
    ("pt", "servidor|endereço"),
    ("it", "server|indirizzo"),
    ("nl", "server|adres"),
    ("pl", "serwer*|adres*"),
    ("ru", "сервер*|адрес*"),
    ("uk", "сервер*|адрес*"),
    ("tr", "sunucu*|adres*"),
    ("zh", "服务器|伺服器|地址|网址"),
    ("ja", "サーバー|サーバ|アドレス"),
    ("ko", "서버|주소"),
    ("ar", "خادم|الخادم|عنوان|العنوان"),
    ("hi", "सर्वर|पते"),
    ("id", "server|alamat|peladen"),
    ("vi", "máy chủ|địa chỉ"),
];

/// In the answer.
pub(super) const REPLY: Table = &[
    (
        "en",
        "your response|your reply|your answer|your output|the response|the reply|the answer|your final|every response|each response|all responses|every reply|every answer|final answer|responses|replies|your message|your summary",
    ),
    ("de", "deine antwort|deiner antwort|ihrer antwort|jede antwort|jeder antwort|antworten|antwort"),
    ("fr", "ta réponse|votre réponse|la réponse|chaque réponse|tes réponses|vos réponses"),
    ("es", "tu respuesta|su respuesta|la respuesta|cada respuesta|tus respuestas"),
    ("pt", "sua resposta|a resposta|cada resposta|suas respostas|tua resposta"),
    ("it", "tua risposta|la risposta|ogni risposta|tue risposte"),
    ("nl", "je antwoord|jouw antwoord|elk antwoord|antwoord"),
    ("pl", "odpowied*|twojej odpowiedzi"),
    ("ru", "ответ*"),
    ("uk", "відповід*"),
    ("tr", "yanıt*|cevab*|cevap*"),
    ("zh", "回复|回復|回答|响应|回應|答复"),
    ("ja", "回答|応答|返答|返信"),
    ("ko", "응답|답변|대답"),
    ("ar", "ردك|الرد|إجابتك|الإجابة"),
    ("hi", "उत्तर|जवाब|प्रतिक्रिया"),
    ("id", "jawaban|respons|tanggapan"),
    ("vi", "câu trả lời|phản hồi|trả lời"),
];

/// Payments and who gets them.
pub(super) const MONEY: Table = &[
    (
        "en",
        "recipient|recipients|payee|iban|account number|bank details|wallet address|wallet|payment|payments|transfer funds|funds|invoice|invoices|bitcoin|btc|ethereum|usdt|crypto|beneficiary|routing number|destination address|destination account|payout|refund|bcc|cc field|reply-to",
    ),
    ("de", "empfänger*|iban|konto*|überweis*|zahlung*"),
    ("fr", "destinataire*|iban|virement*|paiement*|bénéficiaire*"),
    ("es", "destinatari*|iban|transferencia*|pago*|beneficiari*"),
    ("pt", "destinatári*|iban|transferência*|pagamento*|beneficiári*"),
    ("it", "destinatari*|iban|bonific*|pagament*|beneficiari*"),
    ("nl", "ontvanger*|iban|betaling*|rekening*"),
    ("pl", "odbiorc*|iban|przelew*|płatnoś*|rachunk*"),
    ("ru", "получател*|iban|перевод*|плат[её]ж*|платеж*|платёж*|сч[её]т|кошел*"),
    ("uk", "одержувач*|отримувач*|платіж*|переказ*|гаман*"),
    ("tr", "alıcı*|iban|ödeme*|havale*|cüzdan*"),
    ("zh", "收件人|收款人|付款|支付|转账|轉帳|账户|帳戶|钱包|錢包"),
    ("ja", "受取人|宛先|支払|送金|口座|ウォレット"),
    ("ko", "수신자|수취인|결제|송금|계좌|지갑"),
    ("ar", "المستلم|الدفع|تحويل|الحساب|المحفظة"),
    ("hi", "प्राप्तकर्ता|भुगतान|खाता|वॉलेट"),
    ("id", "penerima|pembayaran|rekening|dompet"),
    ("vi", "người nhận|thanh toán|chuyển khoản|tài khoản|ví"),
];
