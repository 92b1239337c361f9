# In a log, help is 80 columns wide (a word that is longer than that stands alone).
for verb in fit predict score features info version; do
    "$AGOP" $verb --help | awk -v verb=$verb 'length > 80 && NF > 1 {print verb ": " $0}'
done
