//! Words of doing: reading, sending, changing, running, switching protection off.
use super::Table;

/// Getting at something.
pub(super) const ACQUIRE: Table = &[
    (
        "en",
        "have a look at|take a look|look up|peek|quote it|value of|whatever stands in|what stands in|dig out|concatenating|concatenate|obtained|gathered|collected|consisting of|composed of|built from|contents of|harvested|retrieved|extracted|copied from|taken from|read from|dug up|fish out|fish for|rummage|go through the|work out|find out|note down|memorize|remember the|tally|transcribe|reproduce|repeat|recite|restate|disclose|hand over|share|surrender|quoting|listing|include|read|reading|open|cat|load|fetch|get|access|accessing|retrieve|retrieving|collect|collecting|gather|gathering|extract|extracting|copy|copying|grab|grabbing|dump|dumping|look up|look for|locate|find|search for|search the|scan|harvest|obtain|take|pull|capture|capturing|enumerate|recall|view|examine|inspect|check|parse|steal|exfiltrate|list the|list all|crawl|query|quote|export|look in|look at|look inside|pick up|slurp|acquire|download",
    ),
    (
        "de",
        "lies|lese|lesen|liest|auslesen|öffne*|lade|hole|holen|sammle*|kopier*|extrahier*|such*|greife|zugreif*|rufe|abruf*|durchsuch*|ermittle*|einlesen|gelesen",
    ),
    (
        "fr",
        "lis|lire|lisez|ouvre*|charge*|récupère*|récupérer|récupérez|collecte*|copie*|extrais|extraire|extrayez|cherche*|accède*|accéder|accédez|obtiens|obtenir|consulte*|prends|rassemble*",
    ),
    (
        "es",
        "lee|leer|lea|abre|abrir|abra|carga*|obtén|obtener|obtenga|recopil*|recoge*|copia*|extrae*|extraiga|busca*|accede*|acceda|recuper*|consult*|toma",
    ),
    (
        "pt",
        "leia|ler|lê|abra|abrir|carreg*|obtenha|obter|colet*|recolh*|copi*|extrai*|extraia|busc*|procur*|acess*|aced*|recuper*|consult*|pegue",
    ),
    (
        "it",
        "leggi|leggere|legga|apri|aprire|caric*|ottien*|ottenere|raccogli*|copia*|estrai|estrarre|cerca*|accedi*|accedere|recuper*|consult*|prendi",
    ),
    ("nl", "lees|lezen|open|laad|haal*|verzamel*|kopieer*|zoek*|benader*|raadpleeg|pak"),
    (
        "pl",
        "przeczytaj*|odczyt*|czytaj|otwórz|wczytaj|pobierz|zbierz|skopiuj*|wyodrębnij|znajdź|uzyskaj|wyszukaj|zajrzyj|pozyskaj",
    ),
    (
        "ru",
        "прочитай*|прочти*|читай*|открой*|загрузи*|получи*|собери*|собирай*|скопируй*|извлеки*|найди*|считай*|возьми*|прочесть|прочитать|считать|получить|достань*",
    ),
    ("uk", "прочитай*|читай*|відкрий*|завантаж*|отримай*|збери*|скопіюй*|витягни*|знайди*|зчитай*|візьми*|прочитати"),
    ("tr", "oku*|aç|açın|yükle*|al|alın|topla*|kopyala*|çıkar*|bul|eriş*|getir*|edin*"),
    ("zh", "读取|讀取|阅读|閱讀|打开|打開|获取|獲取|取得|收集|复制|複製|提取|查找|访问|訪問|存取|加载|读出|抓取|读|讀"),
    ("ja", "読み取|読み込|読んで|読ん|開い|開き|取得|収集|コピーし|抽出|アクセス|探し|集め|読め|参照し"),
    ("ko", "읽|열어|열고|가져|수집|복사|추출|접근|찾아|불러|조회|획득"),
    ("ar", "اقرأ|قراءة|افتح|فتح|احصل|اجمع|جمع|انسخ|نسخ|استخرج|استخراج|ابحث|الوصول إلى|بقراءة|استرجع|تقرأ"),
    ("hi", "पढ़*|खोल*|प्राप्त|इकट्ठा|एकत्र|कॉपी|निकाल*|खोज*|एक्सेस|लें"),
    (
        "id",
        "baca|membaca|buka|membuka|ambil|mengambil|kumpulkan|mengumpulkan|salin|menyalin|ekstrak|cari|akses|mengakses|muat",
    ),
    ("vi", "đọc|mở|lấy|thu thập|sao chép|trích xuất|tìm|truy cập|tải"),
];

/// Passing something on.
pub(super) const TRANSFER: Table = &[
    (
        "en",
        "repeated|repeat|takes the value|take the value|set it to|set to|followed by|close with|finish with|end with|begin with|quote it|quote|quoted|accompanies|accompany|accompanied by|carries|carried|placed|put into|filled with|added to|mirrored|mirror|mirrored to|relayed|submitted|posted|uploaded|copied to|reported to|delivered|transmitted|goes to|go to|travels|travel|ends up in|end up in|lands in|deposit|deposited|handed|hand|hand the|hand it|write it|leave it in|slip|sneak|smuggled|add it|mentioned in|passed in|passed along|pass along|is to contain|contain|contains|must contain|consists of|equals|expects|is expected|prefix|suffix|sign off|stored in|stored with|send|sending|sent|pass|passing|passed|forward|forwarding|forwarded|post|posting|upload|uploading|attach|attaching|append|appending|include|including|add|adding|put|insert|inserting|place|placing|write|writing|embed|embedding|transmit|transmitting|share|sharing|provide|providing|supply|supplying|relay|relaying|submit|submitting|deliver|paste|pasting|fill|filling|populate|exfiltrate|leak|return|set|report|bcc|cc|email|e-mail|mail|publish|push|stash|encode|encoding|hand over|carry|smuggle|tack on|store|save|record|log|logging|echo|output|print|prepend|copy|copied|mirror|stream|ship|route|dispatch|drop|tuck|weave|feed|use it as|use them as|use that as|is expected in|belongs in|goes in|goes into",
    ),
    (
        "de",
        "sende*|schick*|übergib|übergebe*|übermittel*|leite|weiterleit*|weiterzuleiten|hochlad*|lade|häng*|anhäng*|füg*|hinzufüg*|schreib*|übertrag*|teile|gib|angeb*|einfüg*|speicher*|trage|mitschick*|anzuhängen|gesendet|geschickt",
    ),
    (
        "fr",
        "envoie*|envoyer|envoyez|transmets|transmettre|transmettez|transfère*|transférer|passe*|publie*|télévers*|joins|joindre|joignez|ajoute*|inclus|inclure|incluez|inclue*|insère*|insérer|insérez|mets|mettre|mettez|écris|place*|fournis*|partage*|poste*|copie*",
    ),
    (
        "es",
        "envía*|enviar|envíe|envíalo|manda*|mande|pasa|pasar|pase|pásalo|reenv*|sube|subir|adjunt*|añad*|agreg*|incluy*|incluir|inserta*|pon|ponlo|poner|coloca*|escrib*|transmit*|comparte*|public*|copia*|remit*",
    ),
    (
        "pt",
        "envi*|mand*|pass*|encaminh*|carreg*|anex*|adicion*|inclu*|inser*|coloq*|coloc*|escrev*|transmit*|compartilh*|partilh*|public*|copi*|repass*",
    ),
    (
        "it",
        "invia*|inviare|manda*|passa*|inoltra*|carica*|allega*|aggiungi*|aggiungere|includi*|includere|inserisci*|inserire|metti*|scrivi*|trasmett*|condivid*|pubblica*|copia*",
    ),
    (
        "nl",
        "stuur*|verstuur*|zend*|geef|doorstur*|upload*|voeg*|toevoeg*|neem*|plaats*|schrijf*|verzend*|deel*|zet|kopieer*",
    ),
    (
        "pl",
        "wyślij*|prześlij*|przekaż*|dołącz*|dodaj*|załącz*|wstaw*|umieść*|wpisz*|zapisz*|udostępnij*|wklej*|skopiuj*|opublikuj*|podaj",
    ),
    (
        "ru",
        "отправ*|передай*|передав*|перешли*|пересыла*|загрузи*|прикрепи*|добавь*|добавляй*|включи*|включай*|вставь*|помести*|запиши*|опубликуй*|укажи*|приложи*|скопируй*|передать|вложи*",
    ),
    (
        "uk",
        "надішли*|відправ*|передай*|перешли*|завантаж*|прикріпи*|додай*|додавай*|включи*|встав*|помісти*|запиши*|опублікуй*|вкажи*|долучи*|надсилай*",
    ),
    ("tr", "gönder*|ilet*|aktar*|yükle*|ekle*|dahil et*|yaz*|yerleştir*|paylaş*|geçir*|koy|ver|koyun"),
    (
        "zh",
        "发送|發送|传递|傳遞|转发|轉發|上传|上傳|附加|添加|加入|包含|写入|寫入|传输|傳輸|传给|傳給|放入|填入|提交|发给|發給|发到|插入|分享|传入|傳入|放到|放在|作为|作為|寄到|附上|抄送|密送",
    ),
    (
        "ja",
        "送信|送って|送り|渡し|転送|アップロード|添付|追加|含め|書き込|投稿|入れ|挿入|共有|渡す|設定し|貼り付け|埋め込",
    ),
    ("ko", "보내|전송|전달|첨부|추가|포함|업로드|게시|넣|입력하|공유|삽입|붙여|기록하"),
    (
        "ar",
        "أرسل|ارسل|إرسال|مرر|تمرير|أعد توجيه|ارفع|رفع|أرفق|إرفاق|أضف|إضافة|أدرج|إدراج|اكتب|ضع|ضعه|ضعها|شارك|انشر|ترسل|وأرسل|ومرر|بإرسال|تضمين",
    ),
    ("hi", "भेज*|पास कर*|अग्रेषित|अपलोड|संलग्न|जोड़*|शामिल|डाल*|लिख*|साझा|रख*"),
    (
        "id",
        "kirim*|mengirim*|teruskan|meneruskan|unggah|lampirkan|tambahkan|menambahkan|sertakan|menyertakan|masukkan|memasukkan|tulis|bagikan|sisipkan|posting",
    ),
    ("vi", "gửi|chuyển|chuyển tiếp|tải lên|đính kèm|thêm|bao gồm|chèn|đưa|ghi|truyền|chia sẻ|điền|đặt"),
];

/// Changing what another call does.
pub(super) const MODIFY: Table = &[
    (
        "en",
        "replaced|substituted|changed|redirected|rerouted|swapped|rewritten|altered|modified|diverted|exchanged|set to|overwritten|in place of|change|changing|replace|replacing|redirect|redirecting|reroute|route|substitute|modify|modifying|alter|altering|rewrite|swap|override|overwrite|edit|divert|set the|must send|must be sent|sent to|go to|be addressed to|use the address|prepend|append|add|include|bcc|cc|forward|copy|inject|adjust|append to|increase|multiply|round",
    ),
    ("de", "änder*|ersetz*|umleit*|leite|modifizier*|setze|überschreib*|tausch*|füge|ergänz*"),
    ("fr", "change*|remplace*|redirige*|modifie*|substitue*|réécris|réécrire|ajoute*|mets"),
    ("es", "cambia*|cambie|reemplaz*|sustituy*|sustitui*|redirig*|redirige|modifi*|altera*|añad*|agreg*|pon"),
    ("pt", "mud*|troqu*|troc*|substitu*|redirecion*|modifi*|alter*|adicion*|coloq*"),
    ("it", "cambia*|sostitui*|reindirizz*|modific*|altera*|aggiungi|imposta"),
    ("nl", "wijzig*|vervang*|leid*|verander*|pas|voeg|zet"),
    ("pl", "zmień*|zmieniaj*|zamień*|zastąp*|przekieruj*|zmodyfikuj*|podmień*|dodaj*"),
    ("ru", "измен*|замен*|перенаправ*|подмен*|модифицир*|добав*|поменяй*|подставь*"),
    ("uk", "змін*|замін*|перенаправ*|підмін*|додай*|підстав*"),
    ("tr", "değiştir*|yönlendir*|ekle*|ayarla*"),
    ("zh", "更改|修改|替换|替換|重定向|改为|改為|改成|添加|换成|設為|设为|加上"),
    ("ja", "変更|置き換え|置換|リダイレクト|書き換え|差し替え|追加|すり替え"),
    ("ko", "변경|바꾸|바꿔|교체|수정|대체|추가|리디렉션"),
    ("ar", "غير|غيّر|تغيير|استبدل|استبدال|أعد توجيه|عدل|أضف|بدل"),
    ("hi", "बदल*|प्रतिस्थापित|पुनर्निर्देशित|संशोधित|जोड़*"),
    ("id", "ubah|mengubah|ganti|mengganti|alihkan|mengalihkan|modifikasi|tambahkan"),
    ("vi", "thay đổi|thay thế|thay|chuyển hướng|sửa|thêm"),
];

/// Running something.
pub(super) const RUN: Table = &[
    (
        "en",
        "approve|merge|authorize|grant|authorise|start it|start them|launch it|double-click|pipe|run|running|execute|executing|launch|invoke the shell|install|eval|source|start the script|run_shell|run_command|execute_command|bash|powershell|terminal|shell command|shell",
    ),
    ("de", "führe|ausführ*|starte|installier*"),
    ("fr", "exécute*|lance*|installe*"),
    ("es", "ejecut*|instal*|corre"),
    ("pt", "execut*|instal*|rode"),
    ("it", "esegui*|eseguire|installa*|lancia*"),
    ("nl", "voer|uitvoer*|installeer*|start"),
    ("pl", "uruchom*|wykonaj*|zainstaluj*"),
    ("ru", "выполни*|запусти*|установи*"),
    ("uk", "виконай*|запусти*|встанови*"),
    ("tr", "çalıştır*|yürüt*|kur"),
    ("zh", "运行|運行|执行|執行|安装|安裝"),
    ("ja", "実行|インストール|起動"),
    ("ko", "실행|설치"),
    ("ar", "نفذ|شغل|تنفيذ|تشغيل|ثبت"),
    ("hi", "चला*|निष्पादित|इंस्टॉल"),
    ("id", "jalankan|menjalankan|instal|pasang"),
    ("vi", "chạy|thực thi|cài đặt"),
];

/// Switching off.
pub(super) const DISABLE: Table = &[
    (
        "en",
        "disable|disabling|turn off|switch off|bypass|bypassing|skip|skipping|circumvent|deactivate|suppress|weaken|relax|remove|lift|suspend|evade|work around|ignore|do not apply|waive|omit|drop",
    ),
    ("de", "deaktivier*|abschalt*|umgeh*|überspring*|ausschalt*"),
    ("fr", "désactive*|contourne*|saute*|ignore*"),
    ("es", "desactiv*|deshabilit*|omit*|salta*|elud*"),
    ("pt", "desativ*|desabilit*|pul*|contorn*|ignor*"),
    ("it", "disattiva*|disabilita*|salta*|aggira*|ignora*"),
    ("nl", "schakel|omzeil*|sla|negeer*"),
    ("pl", "wyłącz*|pomiń*|omiń*|zignoruj*"),
    ("ru", "отключи*|обойди*|пропусти*|игнорируй*"),
    ("uk", "вимкни*|обійди*|пропусти*|ігноруй*"),
    ("tr", "devre dışı*|atla*|kapat*|yok say*"),
    ("zh", "禁用|关闭|關閉|绕过|繞過|跳过|跳過"),
    ("ja", "無効|回避|スキップ|バイパス"),
    ("ko", "비활성화|우회|건너뛰|무시"),
    ("ar", "عطل|تعطيل|تجاوز|تخط"),
    ("hi", "अक्षम|बायपास|छोड़*"),
    ("id", "nonaktifkan|lewati|abaikan|matikan"),
    ("vi", "vô hiệu hóa|tắt|bỏ qua|vượt qua"),
];

/// What protects people.
pub(super) const PROTECTION: Table = &[
    (
        "en",
        "oversight|command approval|disclaimers|safety disclaimers|warnings|safety|safeguards|safeguard|guardrails|guardrail|security checks|security check|security policy|security policies|security controls|security warnings|confirmation prompts|confirmation step|confirmation dialog|permission checks|permission prompts|content filter|content filters|content policy|firewall|antivirus|audit logging|audit log|audit trail|certificate validation|certificate verification|tls verification|ssl verification|signature verification|signature checks|verification step|two-factor|mfa|2fa|sandbox|sandboxing|restrictions|moderation|access control|access controls|approval step|user approval|human review|human approval|review step|monitoring|rate limits|validation checks",
    ),
    ("de", "sicherheits*|schutzmaßnahme*|bestätigung*|einschränkung*|firewall"),
    ("fr", "sécurité|garde-fous|confirmation*|restrictions|pare-feu"),
    ("es", "seguridad|confirmaci*|restricciones|salvaguardas|cortafuegos"),
    ("pt", "segurança|confirmaç*|restrições|salvaguardas"),
    ("it", "sicurezza|conferm*|restrizioni|protezioni"),
    ("nl", "beveiliging*|veiligheid*|bevestiging*|beperkingen"),
    ("pl", "zabezpiecze*|bezpieczeństw*|potwierdze*|ogranicze*"),
    ("ru", "безопасност*|подтвержден*|ограничени*|защит*"),
    ("uk", "безпек*|підтвердженн*|обмеженн*|захист*"),
    ("tr", "güvenlik*|onay*|kısıtlama*"),
    ("zh", "安全检查|安全限制|安全|确认|確認|限制|防护"),
    ("ja", "安全|セキュリティ|制限|確認"),
    ("ko", "보안|안전|제한|확인"),
    ("ar", "الأمان|الحماية|القيود|التأكيد"),
    ("hi", "सुरक्षा|पुष्टि|प्रतिबंध"),
    ("id", "keamanan|konfirmasi|pembatasan"),
    ("vi", "bảo mật|an toàn|xác nhận|hạn chế"),
];

/// Commands and changes that weaken or take over a machine.
pub(super) const DANGER: Table = &[
    (
        "*",
        "rm -rf|chmod 777|chmod +s|authorized_keys|nc -e|/dev/tcp/|mkfifo|base64 -d|base64 --decode|eval(|exec(|os.system|child_process|invoke-expression|iex(|downloadstring|crontab|launchagents|systemd unit|.bashrc|.zshrc|.profile|--no-verify|--dangerously*|dangerously-skip*|autoapprove|--yolo|verify=false|rejectunauthorized|node_tls_reject_unauthorized|strictsslno|git push --force|curl -s|curl -fssl|wget -q|sudo |/bin/sh|cmd.exe|powershell -enc*|claude.md|agents.md|.cursorrules|copilot-instructions*|.git/hooks|post-install hook|postinstall|drop table|format c:|del /f|mkfs|dd if=",
    ),
    (
        "en",
        "backdoor|back door|reverse shell|malware|keylogger|privilege escalation|persistence|startup script|cron job|ssh key to the|grant admin|grant administrator|admin access|administrator access|make the user an admin|world-readable|publicly accessible|make it public|make public|disable the firewall|as root|with root privileges|with elevated privileges|hidden account|new admin user|remote access|arbitrary commands|arbitrary code|vulnerable version|typosquat*",
    ),
];

/// Fetching code and running it.
pub(super) const PAYLOAD: Table = &[
    (
        "*",
        "¦ sh|¦ bash|¦sh|¦bash|¦ python*|¦ node|¦ zsh|¦ sudo|<(curl|$(curl|iwr |invoke-webrequest|invoke-expression|iex |downloadstring|certutil -urlcache|bitsadmin|curl http*|curl -*|wget http*|wget -*|raw.githubusercontent.com|gist.githubusercontent.com|pastebin.com/raw|transfer.sh|paste.ee|0x0.st|ngrok.io|ngrok-free*|ngrok.app|webhook.site|requestbin*|pipedream.net|oastify*|burpcollaborator*|interact.sh|discord.com/api/webhooks*|api.telegram.org/bot*|trycloudflare.com|serveo.net|localhost.run",
    ),
    (
        "en",
        "download and run|download and execute|fetch and execute|fetch and run|download the script|run the script|run the installer|execute the script|pipe it to|piped into|install script from",
    ),
];

/// Decoding something in order to follow it.
pub(super) const DECODE: Table = &[
    (
        "en",
        "decode|decoding|base64-decode|base64 decode|rot13|decipher|decrypt the following|unhex|reverse the string|reverse the following|read backwards|read backward|spell backwards|first letter of each|first letters|acrostic",
    ),
    ("de", "dekodier*|entschlüssel*"),
    ("fr", "décode*|déchiffre*"),
    ("es", "decodifi*|descifr*"),
    ("pt", "decodifi*|decifr*"),
    ("it", "decodifica*|decifra*"),
    ("nl", "decodeer*|ontcijfer*"),
    ("pl", "zdekoduj*|odkoduj*|odszyfruj*"),
    ("ru", "декодируй*|расшифруй*|раскодируй*"),
    ("uk", "декодуй*|розшифруй*|розкодуй*"),
    ("tr", "kodunu çöz*|şifresini çöz*"),
    ("zh", "解码|解碼|破译"),
    ("ja", "デコード|復号"),
    ("ko", "디코딩|디코드|해독"),
    ("ar", "فك تشفير|فك ترميز"),
    ("hi", "डिकोड"),
    ("id", "dekode*|uraikan kode"),
    ("vi", "giải mã"),
];
